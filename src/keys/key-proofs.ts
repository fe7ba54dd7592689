import { leaveUnrecorded } from '../store/act-transaction.ts';
import type { Act } from '../evidence/trail.ts';
import type { VaultContext } from '../vault/context.ts';
import { askMember, membersInUse, proveOn } from './hsm/group-members.ts';
import { identityOfVersion, type IdentifiedVersion } from './key-identities.ts';
import { writeUnfit } from './unfit-note.ts';
import { managementDeadline, whyUnfit, type TokenClient } from '../vault/tokens.ts';

/** A version in a token. */
export type ProvableVersion = IdentifiedVersion & { token: string };

/**
 * The proof of a key object that was found, made now: it says no more than that the key is the one that was found, with the
 * right label and attributes, and the same on every member of an HSM group that can be asked. Null for a key that can have none.
 * Throws TokenError: `key-unfit` where label or attributes are not as on record, or a member has another key.
 */
export async function proofOfFound(
  { tokens }: Pick<VaultContext, 'tokens'>,
  version: ProvableVersion,
): Promise<Buffer | null> {
  const pool = tokens.pool(version.token);
  const [first = '', ...others] = membersInUse(pool);
  const proof = await proofOn(pool, first, version);
  const named = { key: version.objectId, identity: identityOfVersion({ ...version, proof }) };
  for (const member of others) await proveOn(pool, member, named);
  return proof;
}

/**
 * The same of a version that has been in use without a proof: of the first member alone, which is the one that it is used on.
 * What another has in its place is told by reconcile.
 */
export async function proofOfUsed(
  { tokens }: Pick<VaultContext, 'tokens'>,
  version: ProvableVersion,
): Promise<Buffer | null> {
  const pool = tokens.pool(version.token);
  return proofOn(pool, pool.members[0] ?? '', version);
}

async function proofOn(pool: TokenClient, member: string, version: ProvableVersion): Promise<Buffer | null> {
  const identity = identityOfVersion({ ...version, proof: null });
  const ask = { kind: 'makeProof', key: version.objectId, identity } as const;
  const { value } = await askMember(pool, member, async (options) => pool.call(ask, options));
  return value.proof.length === 0 ? null : Buffer.from(value.proof);
}

/** Why the key object is not the one on record; undefined where it is. Throws TokenError where it cannot be told. */
export async function unfitnessOf(
  { tokens }: Pick<VaultContext, 'tokens'>,
  version: ProvableVersion,
): Promise<string | undefined> {
  const ask = { kind: 'proveKey', key: version.objectId, identity: identityOfVersion(version) } as const;
  return whyUnfit(async () => tokens.pool(version.token).call(ask, managementDeadline()));
}

/** Keeps a proof where there is none yet, and counts the encryption that it is. */
export async function keepProofs(
  { store }: Pick<VaultContext, 'store'>,
  act: Act,
  proofs: readonly { version: ProvableVersion; proof: Buffer }[],
): Promise<void> {
  if (proofs.length === 0) return;
  await store.change(act, async (trx) => {
    leaveUnrecorded(trx, 'found in a token');
    for (const { version, proof } of proofs)
      await trx
        .updateTable('key_versions')
        .set((eb) => ({ proof, encryptions_leased: eb('encryptions_leased', '+', 1) }))
        .where('cloud_key_id', '=', version.cloudKeyId)
        .where('version', '=', version.version)
        .where('object_id', '=', version.objectId)
        .where('proof', 'is', null)
        .execute();
  });
}

/** Notes that the key object is not the one on record, or is again. */
export async function noteUnfit(
  { store, now }: Pick<VaultContext, 'store' | 'now'>,
  { cloudKeyId, version }: Pick<IdentifiedVersion, 'cloudKeyId' | 'version'>,
  why: string | undefined,
): Promise<void> {
  const unfit = why === undefined ? undefined : { since: now().toISOString(), why };
  await writeUnfit(store, { cloudKeyId, version, unfit });
}
