import { nameSuccessor, withdrawIn } from '../../keys/credentials/credential-ends.ts';
import {
  defaultQuietMinutes,
  insertCredential,
  type MadeCredential,
} from '../../keys/credentials/credential-making.ts';
import { isOfStore, storeEntry } from './records.ts';
import type { StoreRow, StoreServed } from './row.ts';
import { readDetails, writeDetails, type WantedDetails } from './wanted.ts';

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

/**
 * From when on AWS, which shows another one, can be said not to have the pending credential: it tries a credential with
 * GetHealthStatus before it takes it, or refuses. Undefined where none is pending, or it opens nothing.
 */
export function settlesAt({ pending_access_key_id, credentials }: StoreRow): Date | undefined {
  const pending = credentials.get(pending_access_key_id);
  if (pending === undefined || pending.withdrawn_at !== null) return undefined;
  const { created_at, last_seen_at } = pending;
  return new Date(Math.max(Date.parse(created_at), Date.parse(last_seen_at ?? created_at)) + settleTime);
}

export function isSettled(row: StoreRow, now: Date): boolean {
  const at = settlesAt(row);
  return at === undefined || at <= now;
}

/**
 * The credential that AWS is about to be given, pending until it is known to have it. The one that was pending before is
 * withdrawn where AWS certainly has it not; else it lives on until it is quiet and this one in use.
 */
export function issued(
  row: StoreRow,
  made: MadeCredential,
  before: 'withdrawn' | 'superseded',
  details: WantedDetails = readDetails(row),
): StoreServed {
  const { keySet, pending_access_key_id: old } = row;
  const { accessKeyId } = made;
  return {
    change: { pending_access_key_id: accessKeyId, wanted_details: writeDetails(details) },
    also: async (trx, act) => {
      const isOver = old !== '' && !(await isOfStore(trx, keySet, old));
      if (isOver && before === 'withdrawn') await withdrawIn(trx, act, keySet, old);
      await insertCredential(trx, act, keySet, made);
      if (isOver && before === 'superseded')
        await nameSuccessor(trx, act, keySet, old, accessKeyId, defaultQuietMinutes);
    },
  };
}

/** AWS has the pending credential now. The one before is to retire once it is quiet, unless a store still has it. */
export function credentialMoved(row: StoreRow, quietMinutes: number): StoreServed {
  const { keySet, access_key_id: old, pending_access_key_id: now } = row;
  const { credential: _, ...rest } = readDetails(row);
  return {
    change: { wanted_details: writeDetails(rest), access_key_id: now, pending_access_key_id: '' },
    entries: [
      { ...storeEntry('credential-moved', row), before: { accessKeyId: old }, after: { accessKeyId: now } },
    ],
    also: async (trx, act) => {
      if (old === '' || old === now || (await isOfStore(trx, keySet, old))) return;
      await nameSuccessor(trx, act, keySet, old, now, quietMinutes);
    },
  };
}

/** AWS certainly was not given the pending credential: it is withdrawn. */
export function neverGiven({ keySet, pending_access_key_id: pending }: StoreRow): StoreServed {
  if (pending === '') return {};
  return {
    change: { pending_access_key_id: '' },
    also: async (trx, act) => {
      if (!(await isOfStore(trx, keySet, pending))) await withdrawIn(trx, act, keySet, pending);
    },
  };
}
