import { makeCredential } from '../../keys/credentials/credential-making.ts';
import { awsAccountOf } from '../accounts/context.ts';
import type { AwsAccount } from '../aws/clients.ts';
import { AwsError } from '../aws/aws-error.ts';
import { findKeyStore, listKeyStores, type AwsKeyStore } from '../aws/key-stores.ts';
import { isGone, orGone, type Gone } from '../aws/presence.ts';
import type { Moment, Observed, Resource, Turn } from '../controller/resource.ts';
import { nextTry } from '../controller/retry.ts';
import { isByHand } from './accounts.ts';
import { nextOfUnmade } from './creation.ts';
import { mirrored, notFound, seenByHand, shownOf, type Shown } from './mirror.ts';
import { failedAs, found, nextLook, StoreRefusal } from './outcomes.ts';
import { storeSighting, toldOfStore } from './presence.ts';
import { removedWith } from './removal.ts';
import { readStoreRow, type NextOfStore, type StorePlan, type StoreRow } from './row.ts';
import { nextOfMade } from './steps.ts';
import { lookOperation, problemOfStore } from './wanted.ts';

/** The key store as AWS shows it; or, of one that is not made yet, all those of the account and Region. */
export type SeenStore =
  { aws: AwsAccount; shown: Shown } | { aws: AwsAccount; there: readonly AwsKeyStore[] };

/** External key stores as what is wanted in AWS. */
export const keyStores: Resource<'external_key_stores', StoreRow, SeenStore> = {
  kind: 'external-key-store',
  table: 'external_key_stores',
  whenBusy: 'refuse',
  holds: 'from-the-start',
  lookOperation: () => lookOperation,
  read: readStoreRow,
  observe,
  mirror,
  next,
  pauseOf: (row) => {
    const problem = problemOfStore(row);
    return { problem, attempts: problem?.times ?? 0, until: row.next_check_at };
  },
  paused: (_, { problem, until }) => ({
    problem: problem === null ? null : JSON.stringify(problem),
    ...(until === null ? {} : { next_check_at: until }),
  }),
  told: (_, row, error, { now }) => toldOfStore(row, error, now),
  failed: failedAs,
  isSame: (before, { operation, code }) => before?.operation === operation && before.code === code,
  words: {
    remediation: '',
    code: 'Holdfast',
    busy: {
      message: 'another act on this external key store is under way',
      remediation: 'try again in a moment; holdfast external-key-store show tells how far it is',
    },
  },
};

async function observe({ context }: Turn, row: StoreRow): Promise<Observed<SeenStore>> {
  if (isByHand(row, row.account) || row.account === undefined) return { kind: 'unasked' };
  const isUnmade = row.custom_key_store_id === '';
  if (isUnmade && row.wanted !== 'CREATE' && row.wanted !== 'DELETE') return { kind: 'unasked' };
  const aws = await awsAccountOf(context, row.account, row.region);
  if (isUnmade) return { kind: 'seen', seen: { aws, there: await listKeyStores(aws, row.region) } };
  try {
    const find = async () => findKeyStore(aws, row.region, row.custom_key_store_id);
    const seen = await orGone(find, storeSighting(row), 0, context.now());
    if (isGone(seen)) return { kind: 'gone', gone: seen };
    return { kind: 'seen', seen: { aws, shown: shownOf(row, seen, context.now()) } };
  } catch (error) {
    if (error instanceof AwsError && error.fault === 'settling') return { kind: 'unshown' };
    throw error;
  }
}

function mirror(row: StoreRow, seen: Observed<SeenStore>, { now }: Moment): StorePlan | undefined {
  switch (seen.kind) {
    case 'seen':
      return 'shown' in seen.seen ? mirrored(row, seen.seen.shown, now) : undefined;
    case 'gone':
      return row.wanted === null ? (one) => notFound(one, now) : undefined;
    case 'unshown': {
      const times = (problemOfStore(row)?.times ?? 0) + 1;
      const next_check_at = nextTry('settling', times, now).toISOString();
      return () => ({ change: { next_check_at } });
    }
    case 'unasked':
      return isByHand(row, row.account)
        ? seenByHand(row, now)
        : (one) => ({ change: { next_check_at: nextLook(one, now) } });
  }
}

async function next(turn: Turn, row: StoreRow, seen: Observed<SeenStore>, at: Moment): Promise<NextOfStore> {
  if (seen.kind === 'gone') return nextOfGone(row, seen.gone);
  if (seen.kind !== 'seen') return undefined;
  const { context } = turn;
  const on = {
    ...{ row, at, aws: seen.seen.aws, db: context.store.db },
    makeCredential: async () => makeCredential(context, row.keySet, {}, at.now),
  };
  return 'shown' in seen.seen
    ? nextOfMade({ ...on, seen: seen.seen.shown })
    : nextOfUnmade({ ...on, there: seen.seen.there });
}

/** Deleted as wanted, or by somebody else. */
function nextOfGone(row: StoreRow, gone: Gone): NextOfStore {
  if (row.wanted === null) return undefined;
  if (row.wanted === 'DELETE') return found('DeleteCustomKeyStore', removedWith(gone));
  throw new StoreRefusal(
    {
      message: 'AWS has this external key store no more',
      remediation: 'holdfast external-key-store delete --forget takes the record away; then make another',
    },
    notFound,
  );
}
