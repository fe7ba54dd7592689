import type { Act } from '../../evidence/trail.ts';
import { checkLive, parseQuiet } from '../../keys/credentials/credential-input.ts';
import {
  defaultQuietMinutes,
  makeCredential,
  type MadeCredential,
} from '../../keys/credentials/credential-making.ts';
import { VaultError } from '../../vault/vault-error.ts';
import type { AwsContext } from '../controller/context.ts';
import { acting, write, type OnStore } from './acting.ts';
import { credentialMoved, issued } from './credential-rotation.ts';
import { auditedStore, storeEntry, type ExternalKeyStore } from './records.ts';
import type { StoreRow } from './row.ts';

/*
 * External key stores that a person looks after in AWS: what AWS has is what the person says, and what is seen of it here.
 */

/**
 * Issues the credential that a person is to give AWS. Until they say that it is done, or AWS is seen with it, it is the
 * pending one; the one before then retires once it is quiet.
 */
export async function issueByHand(
  context: AwsContext,
  act: Act,
  on: OnStore,
  verb: 'console' | 'rotate-credential',
): Promise<{ row: ExternalKeyStore; issued: MadeCredential }> {
  // The key of the request stands for the store, not for the credential.
  const { idempotency: _, ...plain } = act;
  return acting(context, plain, on, async (one) => {
    const made = await makeCredential(context, one.row.keySet, {}, act.at);
    const served = (now: StoreRow) => {
      const recorded = issued(now, made, 'superseded');
      const after = auditedStore({ ...now, ...recorded.change } as StoreRow);
      return { ...recorded, entries: [{ ...storeEntry(verb, now), before: auditedStore(now), after }] };
    };
    return { row: await write(one, { served }), issued: made };
  });
}

/**
 * The person has given AWS the pending credential. Where AWS has been seen to use it already, that is on the record by
 * then, and stays as it is. Throws VaultError `conflict` where AWS was never given one.
 */
export async function givenByHand(
  context: AwsContext,
  act: Act,
  on: OnStore,
  quietMinutes: number,
): Promise<ExternalKeyStore> {
  const quiet = parseQuiet(quietMinutes) ?? defaultQuietMinutes;
  return acting(context, act, on, async (one) => {
    const { access_key_id, pending_access_key_id, credentials } = one.row;
    const pending = credentials.get(pending_access_key_id);
    if (pending === undefined && access_key_id !== '') return one.row;
    if (pending === undefined)
      throw new VaultError(
        'conflict',
        'no new credential waits to be given to AWS',
        'holdfast external-key-store rotate-credential issues one',
      );
    checkLive(pending, act.at);
    return write(one, { served: (now) => credentialMoved(now, quiet) });
  });
}
