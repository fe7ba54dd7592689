import { record, type Act } from '../../evidence/trail.ts';
import {
  auditedCredential,
  credentialEntry,
  credentialWillStand,
  findCredentialIn,
  type UsedCredential,
  type XksCredential,
} from './credential-records.ts';
import { checkLive, parseQuiet, type CredentialTarget, type CredentialInput } from './credential-input.ts';
import { parseExpiry } from '../../vault/expiry.ts';
import { checkRowVersion, type VaultContext } from '../../vault/context.ts';
import type { KeySet } from '../key-sets/key-set-records.ts';

export {
  defaultQuietMinutes,
  issueCredential,
  maxLiveCredentials,
  rotateCredential,
  type IssuedCredential,
} from './credential-making.ts';
export { maxQuietMinutes, type CredentialInput } from './credential-input.ts';
export {
  credentialOrders,
  credentialState,
  getCredential,
  listCredentials,
  type UsedCredential,
} from './credential-records.ts';
import { editRecord } from '../../vault/edit-record.ts';
export { consoleFile, consoleFileText, revealSecret } from './credential-secrets.ts';

/** Changes when it expires or is retired. Throws VaultError `conflict` for one that is withdrawn or has expired. */
export async function updateCredential(
  context: VaultContext,
  act: Act,
  keySet: KeySet,
  { accessKeyId, expected }: CredentialTarget,
  input: CredentialInput,
): Promise<UsedCredential> {
  return actOnCredential(context, act, keySet, { accessKeyId, expected, verb: 'update' }, (before) => {
    checkLive(before, act.at);
    return {
      ...(input.expiresAt === undefined ? {} : { expires_at: parseExpiry(input.expiresAt, act.at) }),
      ...(input.retireAfterQuietMinutes === undefined
        ? {}
        : { retire_after_minutes: parseQuiet(input.retireAfterQuietMinutes) }),
    };
  });
}

/** From the moment this returns no request signed with it succeeds, on any worker. One that is withdrawn stays so. */
export async function withdrawCredential(
  context: VaultContext,
  act: Act,
  keySet: KeySet,
  { accessKeyId, expected }: CredentialTarget,
): Promise<UsedCredential> {
  return actOnCredential(context, act, keySet, { accessKeyId, expected, verb: 'withdraw' }, (before) =>
    before.withdrawn_at === null
      ? { withdrawn_at: act.at.toISOString(), withdrawn_why: 'WITHDRAWN' as const }
      : {},
  );
}

async function actOnCredential(
  context: VaultContext,
  act: Act,
  keySet: KeySet,
  on: CredentialTarget & { verb: string },
  plan: (before: UsedCredential) => Partial<XksCredential>,
): Promise<UsedCredential> {
  return context.store.change(act, async (trx) => {
    const before = await findCredentialIn(trx, keySet, on.accessKeyId);
    checkRowVersion(before, on.expected);
    const change = plan(before);
    if ((await editRecord(trx, 'xks_credentials', before, change)) === undefined) return before;
    if (change.withdrawn_at !== undefined || change.expires_at !== undefined)
      credentialWillStand(trx, on.accessKeyId, change);
    const after = await findCredentialIn(trx, keySet, on.accessKeyId);
    await record(trx, act, {
      ...credentialEntry(on.verb, keySet, on.accessKeyId),
      before: auditedCredential(before),
      after: auditedCredential(after),
    });
    return after;
  });
}
