import { createHash } from 'node:crypto';

/**
 * Keys of our own in every token, found by a CKA_ID that anyone can compute: so `holdfast init` is idempotent and a
 * rebuilt node finds them again. They are no CloudKeys: nothing of AWS's is ever encrypted with them.
 */
export const ownKeys = {
  /** Test key of GetHealthStatus and of the canary (XKS spec: a test key, not one associated with a KMS key). */
  health: ownKey('health', 1),
  /** Seals our secrets at rest: XKS secret access keys (promise 6). Its label has an older word: tokens hold it so. */
  sealing: ownKey('protecting', 1),
} as const;

export interface OwnKey {
  /** CKA_ID. */
  id: Buffer;
  /** CKA_LABEL. */
  label: string;
}

/** For operators, where one of them is not in the token any more, or another key is in its place. */
export const remediationOfOwnKeys =
  'restore it from a backup of the token, or where that is lost, remove what is in its place, stop every node, run holdfast init --replace-token with the name of the token, and start them anew';

/** For operators, where the token of a name is another than the store means by it. */
export const remediationOfOtherToken =
  'set token.label and token.serial to the HSM or partition that holds the keys; to begin anew with this one, without the keys of the other, stop every node and run holdfast init --replace-token with the name of the token';

/** For operators, where the store has nothing on record of a token. */
export const remediationOfNoRecord = 'run holdfast init, then start the node anew';

const ownIds = new Set(Object.values(ownKeys).map(({ id }) => id.toString('hex')));

/** Whether a CKA_ID is that of a key of our own: such a key is no CloudKey's, whatever a record says. */
export function isOwnKey(id: Uint8Array): boolean {
  return ownIds.has(Buffer.from(id).toString('hex'));
}

/** Whether a CKA_LABEL is one that only we give: CloudKeys' versions and keys of our own. */
export function isLabelOfOwn(label: string): boolean {
  return label.startsWith('holdfast:');
}

function ownKey(purpose: string, number: number): OwnKey {
  const label = `holdfast:${purpose}:${number}`;
  return { id: createHash('sha256').update(label).digest().subarray(0, 16), label };
}

/** Every CKA_LABEL of a CloudKey's version begins so, and none of any other key. */
export const versionLabelStart = 'holdfast:key:';

/**
 * CKA_LABEL of a CloudKey's version: with it and CKA_ID the vault could be rebuilt from the token alone.
 * CKA_ID = the CloudKey's UUID (16 bytes) ‖ version (u32, big-endian).
 */
export function versionLabel(keySetId: string, externalKeyId: string, version: number): string {
  return `${versionLabelStart}${keySetId}:${externalKeyId}:${version}`;
}

/** Bytes of a CKA_ID of ours: a UUID and a version. */
const versionIdBytes = 20;

export function versionObjectId(cloudKeyId: string, version: number): Buffer {
  const id = Buffer.alloc(versionIdBytes);
  id.write(cloudKeyId.replaceAll('-', ''), 'hex');
  id.writeUInt32BE(version, 16);
  return id;
}

/** What a label of {@link versionLabel} says; undefined for any other. */
export function parseVersionLabel(
  label: string,
): { keySetId: string; externalKeyId: string; version: number } | undefined {
  // Neither UUIDs nor external key ids have colons.
  const [, keySetId, externalKeyId, version] =
    /^holdfast:key:([0-9a-f-]{36}):([A-Za-z0-9._-]{1,128}):([1-9][0-9]{0,9})$/.exec(label) ?? [];
  if (keySetId === undefined || externalKeyId === undefined) return undefined;
  return { keySetId, externalKeyId, version: Number(version) };
}

/** What a CKA_ID of {@link versionObjectId} says; undefined for any other. */
export function parseVersionObjectId(id: Uint8Array): { cloudKeyId: string; version: number } | undefined {
  if (id.length !== versionIdBytes) return undefined;
  const bytes = Buffer.from(id);
  const cloudKeyId = bytes
    .toString('hex', 0, 16)
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { cloudKeyId, version: bytes.readUInt32BE(16) };
}
