import { record, type Act } from '../../evidence/trail.ts';
import {
  findCredentialIn,
  credentialState,
  type UsedCredential,
} from '../../keys/credentials/credential-records.ts';
import { checkLive, parseQuiet } from '../../keys/credentials/credential-input.ts';
import { defaultQuietMinutes, type IssuedCredential } from '../../keys/credentials/credential-making.ts';
import { auditedStore, findStoreIn, storeEntry, type ExternalKeyStore } from './records.ts';
import { inTurn, save, type Turn } from './turn.ts';
import { checkRowVersion, type VaultContext } from '../../vault/context.ts';
import type { KeySet } from '../../keys/key-sets/key-set-records.ts';
import { credentialMoved, issueForStore } from './credential-rotation.ts';
import type { OnStore } from './key-stores.ts';
import { VaultError } from '../../vault/vault-error.ts';

/*
 * External key stores that a person looks after in AWS: what AWS has is what the person says, and what is seen of it here.
 */

type At = Pick<Turn, 'act' | 'keySet'> & { context: VaultContext };

/** How often uses of a credential are looked up, milliseconds. */
const lookEvery = 60_000;

/** A credential that AWS signs with shows by itself that AWS was given it. */
export async function lookByHand(
  { context, act, keySet }: At,
  row: ExternalKeyStore,
): Promise<ExternalKeyStore> {
  const turn = { context: context as Turn['context'], act, keySet };
  const next_check_at = new Date(context.now().getTime() + lookEvery).toISOString();
  const pending = await known(context, keySet, row.pending_access_key_id);
  if (pending !== undefined && pending.last_seen_at !== null)
    return credentialMoved(turn, row, defaultQuietMinutes, { next_check_at });
  const current = await known(context, keySet, row.access_key_id);
  const successor = await known(context, keySet, current?.successor ?? '');
  // Rotated with holdfast credential rotate.
  if (
    successor !== undefined &&
    credentialState(successor, context.now()) === 'LIVE' &&
    (successor.last_seen_at ?? '') > (current?.last_seen_at ?? '')
  )
    return save(turn, row, { access_key_id: successor.access_key_id, next_check_at }, [
      {
        ...storeEntry('credential-moved', row),
        before: { accessKeyId: row.access_key_id },
        after: { accessKeyId: successor.access_key_id },
      },
    ]);
  return save(turn, row, { next_check_at });
}

async function known(
  context: VaultContext,
  keySet: KeySet,
  accessKeyId: string,
): Promise<UsedCredential | undefined> {
  if (accessKeyId === '') return undefined;
  try {
    return await findCredentialIn(context.store.db, keySet, accessKeyId);
  } catch {
    return undefined;
  }
}

/**
 * Issues the credential that a person is to give AWS. Until they say that it is done, or AWS is seen with it, it is the
 * pending one; the one before then retires once it is quiet.
 */
export async function issueByHand(
  context: VaultContext,
  act: Act,
  { keySet, id, expected }: OnStore,
  verb: 'console' | 'rotate-credential',
): Promise<{ row: ExternalKeyStore; issued: IssuedCredential }> {
  return inTurn(context, id, async () => {
    const row = await findStoreIn(context.store.db, keySet, id);
    checkRowVersion(row, expected);
    const result = await issueForStore({ context: context as Turn['context'], act, keySet }, row);
    const entry = {
      ...storeEntry(verb, row),
      before: auditedStore(row),
      after: auditedStore(result.row),
    };
    await context.store.write(act, async (trx) => record(trx, withoutKey(act), entry));
    return result;
  });
}

/**
 * The person has given AWS the pending credential. Where AWS has been seen to use it already, that is on the record by
 * then, and stays as it is. Throws VaultError `conflict` where AWS was never given one.
 */
export async function givenByHand(
  context: VaultContext,
  act: Act,
  { keySet, id, expected }: OnStore,
  quietMinutes: number,
): Promise<ExternalKeyStore> {
  const quiet = parseQuiet(quietMinutes) ?? defaultQuietMinutes;
  return inTurn(context, id, async () => {
    const row = await findStoreIn(context.store.db, keySet, id);
    checkRowVersion(row, expected);
    const pending = await known(context, keySet, row.pending_access_key_id);
    if (pending === undefined && row.access_key_id !== '') return row;
    if (pending === undefined)
      throw new VaultError(
        'conflict',
        'no new credential waits to be given to AWS',
        'holdfast external-key-store rotate-credential issues one',
      );
    checkLive(pending, act.at);
    return credentialMoved({ context: context as Turn['context'], act, keySet }, row, quiet);
  });
}

function withoutKey(act: Act): Act {
  const { idempotency: _, ...plain } = act;
  return plain;
}
