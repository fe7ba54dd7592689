import type { Act } from '../../evidence/trail.ts';
import type { ChangeTransaction } from '../../store/store.ts';
import { nameSuccessor, withdrawIn } from '../../keys/credentials/credential-ends.ts';
import { findCredentialIn } from '../../keys/credentials/credential-records.ts';
import {
  defaultQuietMinutes,
  issueCredential,
  type IssuedCredential,
} from '../../keys/credentials/credential-making.ts';
import { isOfStore, storeEntry, type ExternalKeyStore, type StoreChange } from './records.ts';
import { saveIn, type Turn } from './turn.ts';
import { readDetails, writeDetails, type WantedDetails } from './wanted.ts';
import type { KeySet } from '../../keys/key-sets/key-set-records.ts';

/*
 * XKS credentials of external key stores. Each store has one of its own, so that last seen tells which Region has moved
 * over. The management process cannot open the secret of one that exists: a credential can be given to AWS only by the
 * act that issues it. So where AWS may or may not have been given one it stays live until that is known, or for good
 * until it is quiet and another is in use.
 */

/**
 * So long after a request that had no answer AWS may still act on it: changes take up to five minutes to be effective
 * everywhere (Developer Guide, "Edit external key store properties").
 */
export const settleTime = 5 * 60_000;

type At = Pick<Turn, 'context' | 'act' | 'keySet'>;

/** Issues a credential for the store, pending until AWS is known to have it. Throws TokenError, VaultError `conflict`. */
export async function issueForStore(
  { context, act, keySet }: At,
  row: ExternalKeyStore,
  details: (before: WantedDetails, accessKeyId: string) => WantedDetails = (before) => before,
): Promise<{ issued: IssuedCredential; row: ExternalKeyStore }> {
  // The key of the request stands for the store, not for the credential.
  const { idempotency: _, ...plain } = act;
  let after = row;
  const issued = await issueCredential(context, plain, keySet, {}, async (trx, accessKeyId) => {
    after = await saveIn(trx, plain, row, {
      pending_access_key_id: accessKeyId,
      wanted_details: writeDetails(details(readDetails(row), accessKeyId)),
    });
    // Of the one before it is not known whether AWS has it: it lives on until it is quiet and this one in use.
    if (row.pending_access_key_id !== '')
      await succeed(trx, plain, keySet, row.pending_access_key_id, accessKeyId, defaultQuietMinutes);
  });
  return { issued, row: after };
}

/**
 * AWS has the pending credential now. The one before is to retire once it is quiet, unless another store has it too.
 * What else changes of the row goes with it.
 */
export async function credentialMoved(
  { context, act, keySet }: At,
  row: ExternalKeyStore,
  quietMinutes: number,
  change: StoreChange = {},
): Promise<ExternalKeyStore> {
  const { access_key_id: old, pending_access_key_id: now } = row;
  const { credential: _, ...rest } = readDetails(row);
  return context.store.change(act, async (trx) => {
    const after = await saveIn(
      trx,
      act,
      row,
      { wanted_details: writeDetails(rest), ...change, access_key_id: now, pending_access_key_id: '' },
      [
        {
          ...storeEntry('credential-moved', row),
          before: { accessKeyId: old },
          after: { accessKeyId: now },
        },
      ],
    );
    if (old !== '' && old !== now) await succeed(trx, act, keySet, old, now, quietMinutes);
    return after;
  });
}

/** `next` takes the place of `old`, which retires by itself once it is quiet; unless a store still has it. */
// oxlint-disable-next-line max-params -- told apart by their types and names in one place
export async function succeed(
  trx: ChangeTransaction,
  act: Act,
  keySet: KeySet,
  old: string,
  next: string,
  quietMinutes: number,
): Promise<void> {
  if (await isOfStore(trx, keySet, old)) return;
  await nameSuccessor(trx, act, keySet, old, next, quietMinutes);
}

/** AWS certainly was not given the pending credential: it is withdrawn. */
export async function neverGiven(
  { context, act, keySet }: At,
  row: ExternalKeyStore,
  also: StoreChange = {},
): Promise<ExternalKeyStore> {
  return context.store.change(act, async (trx) => {
    const after = await saveIn(trx, act, row, { ...also, pending_access_key_id: '' });
    if (!(await isOfStore(trx, keySet, row.pending_access_key_id)))
      await withdrawIn(trx, act, keySet, row.pending_access_key_id);
    return after;
  });
}

/** Whether AWS, which shows another one, can be said not to have the pending credential. */
export async function isSettled({ context, keySet }: At, row: ExternalKeyStore): Promise<boolean> {
  const pending = await findPending({ context, keySet }, row);
  if (pending === undefined || pending.withdrawn_at !== null) return true;
  // AWS tries a credential with GetHealthStatus before it takes it, or refuses.
  const last = Math.max(
    Date.parse(pending.created_at),
    Date.parse(pending.last_seen_at ?? pending.created_at),
  );
  return context.now().getTime() - last >= settleTime;
}

/** When that will be, at the earliest. */
export async function settlesAt({ context, keySet }: Omit<At, 'act'>, row: ExternalKeyStore): Promise<Date> {
  const pending = await findPending({ context, keySet }, row);
  return new Date((pending === undefined ? 0 : Date.parse(pending.created_at)) + settleTime);
}

async function findPending({ context, keySet }: Omit<At, 'act'>, row: ExternalKeyStore) {
  try {
    return await findCredentialIn(context.store.db, keySet, row.pending_access_key_id);
  } catch {
    return undefined;
  }
}
