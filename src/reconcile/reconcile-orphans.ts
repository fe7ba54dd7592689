import { TokenError } from '../token/faults.ts';
import type { ListedKey } from '../token/messages.ts';
import { parseVersionLabel, parseVersionObjectId } from '../token/own-keys.ts';
import { rotateCloudKey } from '../keys/key-versions.ts';
import { isBeyond, reenterVersion, type OwnedKey } from '../keys/version-reentry.ts';
import { isGone, tell, type Comparing } from './reconcile-records.ts';
import type { Finding } from './reconciliation-report.ts';

/**
 * Tells of the key objects of ours that no record knows. Never destroys one: what was encrypted with it may be all that
 * somebody has. Where an older store was restored, and so does not know a version that was made since, that version is
 * put back, to decrypt with and no more: how often it has encrypted nobody knows, so its key is rotated.
 */
export class Orphans {
  readonly #comparing: Comparing;
  /** CloudKey id → what was told of it, to be told how its rotation went. */
  readonly #reentered = new Map<string, Finding[]>();

  constructor(comparing: Comparing) {
    this.#comparing = comparing;
  }

  /** For a key object that no record was found for. */
  async settle(objectId: string, object: ListedKey, member?: string): Promise<void> {
    const comparing = this.#comparing;
    if (await isKnown(comparing, objectId)) return;
    // Made and undone since it was listed: it must not be put back.
    if (object.objects === 1 && (await isGone(comparing, object.id, member))) return;
    const finding = await settleOne(comparing, objectId, object);
    if (finding === undefined) return;
    if (member !== undefined) finding.detail = `member ${member}: ${finding.detail}`;
    if (finding.outcome === 're-entered' && finding.cloudKeyId !== null)
      this.#reentered.set(finding.cloudKeyId, [...(this.#reentered.get(finding.cloudKeyId) ?? []), finding]);
    else tell(comparing, finding);
  }

  /** Rotates the CloudKeys of which versions were put back. */
  async end(): Promise<void> {
    for (const [cloudKeyId, findings] of this.#reentered) {
      const how = await rotate(this.#comparing, cloudKeyId);
      for (const finding of findings)
        tell(this.#comparing, { ...finding, detail: `${finding.detail}; ${how}` });
    }
  }
}

/** Looked for anew: its record was perhaps made after the others were read. */
async function isKnown({ context }: Comparing, objectId: string): Promise<boolean> {
  const row = await context.store.db
    .selectFrom('key_versions')
    .select('version')
    .where('object_id', '=', Buffer.from(objectId, 'hex'))
    .executeTakeFirst();
  return row !== undefined;
}

/** Undefined where it is none of the vault's that the comparison is confined to. */
// oxlint-disable-next-line complexity -- one case for each thing that may have been left
async function settleOne(
  comparing: Comparing,
  objectId: string,
  object: ListedKey,
): Promise<Finding | undefined> {
  const named = parseVersionLabel(object.label);
  const vaultId = named === undefined ? null : await vaultOf(comparing, named.keySetId);
  if (comparing.vaultId !== undefined && vaultId !== comparing.vaultId) return undefined;
  const finding: Finding = {
    kind: 'orphan',
    outcome: 'none',
    detail: '',
    vaultId,
    keySetId: named?.keySetId ?? null,
    cloudKeyId: null,
    name: null,
    externalKeyId: named?.externalKeyId ?? null,
    version: named?.version ?? null,
    objectId,
    label: object.label,
    member: null,
  };
  if (object.objects > 1)
    return {
      ...finding,
      kind: 'duplicate',
      detail: 'several key objects have this CKA_ID, which is on no record; they are left unchanged',
    };
  const identity = parseVersionObjectId(Buffer.from(objectId, 'hex'));
  const key = identity === undefined ? undefined : await keyOf(comparing, identity.cloudKeyId);
  if (identity === undefined || key === undefined)
    return { ...finding, detail: 'the key object belongs to no CloudKey on record; it is left unchanged' };
  const about = { ...finding, cloudKeyId: key.id, name: key.name };
  const why = unfitFor(key, object, named, identity.version);
  if (why !== undefined)
    return {
      ...about,
      detail: `a version that its CloudKey does not have on record, left unchanged: ${why}`,
    };
  const whyNot = await whyNotReentered(comparing, key, identity.version, objectId);
  return whyNot === undefined
    ? {
        ...about,
        outcome: 're-entered',
        detail:
          'a version newer than any on record, so the store is older than the token: restored for decryption',
      }
    : { ...about, detail: `a version that its CloudKey does not have on record, ${whyNot}` };
}

/** What not every member of an HSM group has is not put into use. Throws TokenError. */
async function whyNotReentered(
  { context, act }: Comparing,
  key: OwnedKey,
  version: number,
  objectId: string,
): Promise<string | undefined> {
  try {
    return await reenterVersion(context, act, key, version, Buffer.from(objectId, 'hex'));
  } catch (error) {
    const isOfMember = error instanceof TokenError && ['key-missing', 'key-unfit'].includes(error.fault);
    if (!isOfMember || context.tokens.pool(key.token).members.length === 1) throw error;
    return `left unchanged: ${error.message}`;
  }
}

async function vaultOf({ context }: Comparing, keySetId: string): Promise<string | null> {
  const row = await context.store.db
    .selectFrom('key_sets')
    .select('vault_id')
    .where('id', '=', keySetId)
    .executeTakeFirst();
  return row?.vault_id ?? null;
}

async function keyOf({ context, token }: Comparing, id: string): Promise<OwnedKey | undefined> {
  return context.store.db
    .selectFrom('cloud_keys')
    .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
    .selectAll('cloud_keys')
    .select(['key_sets.vault_id', 'key_sets.token'])
    .where('cloud_keys.id', '=', id)
    .where('token', '=', token)
    .executeTakeFirst();
}

/** Why the object is not put back as a version of the key. */
function unfitFor(
  key: OwnedKey,
  object: ListedKey,
  named: ReturnType<typeof parseVersionLabel>,
  version: number,
): string | undefined {
  if (isBeyond(key.state)) return `the CloudKey is ${key.state}`;
  if (
    named?.keySetId !== key.key_set_id ||
    named.externalKeyId !== key.external_key_id ||
    named.version !== version
  )
    return 'its label is not that of the CloudKey';
  if (!object.compliant || !object.generatedOnToken)
    return `it is not as Holdfast makes keys (${object.violations.join(', ')})`;
  return undefined;
}

async function rotate({ context, act }: Comparing, cloudKeyId: string): Promise<string> {
  const key = await context.store.db
    .selectFrom('cloud_keys')
    .selectAll()
    .where('id', '=', cloudKeyId)
    .executeTakeFirstOrThrow();
  try {
    const { current_version } = await rotateCloudKey(context, act, key, 'asked');
    return `the CloudKey was rotated to version ${current_version}`;
  } catch (error) {
    return `the CloudKey could not be rotated yet: ${(error as Error).message}`;
  }
}
