import type { Selectable } from 'kysely';
import type { AadForm } from '../config/profile.ts';
import type { CloudKeyState, Tables } from '../store/schema.ts';
import type { servedColumns } from '../store/served-changes.ts';
import { identityOfVersion } from '../keys/key-identities.ts';
import { toQuota, type Quota } from './quota.ts';
import { isVaultFrozen } from '../vault/vault-frozen.ts';
import { tokensOf } from '../vault/granted-tokens.ts';

/*
 * The vault's records as XKS workers remember them: parsed once for each change of them. What the clock decides is kept as
 * a time, never as an answer.
 */

type Served<T extends keyof typeof servedColumns> = Pick<
  Selectable<Tables[T]>,
  Extract<(typeof servedColumns)[T][number], keyof Selectable<Tables[T]>>
>;

/** A row with the columns whose changes workers hear of, and no other. */
export type VaultRow = Served<'vaults'>;
export type KeySetRow = Served<'key_sets'>;
export type CloudKeyRow = Served<'cloud_keys'>;
export type KeyVersionRow = Served<'key_versions'>;

/** A key set that AWS may use as an external key store. */
export interface ServedKeySet {
  id: string;
  vaultId: string;
  name: string;
  token: string;
  pathPrefix: string;
  /** It, or its vault as a whole. */
  frozen: boolean;
  quota: Quota | undefined;
  /** Names of the tokens that its vault may use. */
  vaultTokens: readonly string[];
}

/** What a key set has of its own, whatever its vault is. */
export type OwnKeySet = Omit<ServedKeySet, 'vaultTokens'>;

/** What the key sets of a vault have of it. */
export interface ServedVault {
  tokens: readonly string[];
  frozen: boolean;
}

/** A CloudKey that is or has been ready. */
export interface CloudKey {
  id: string;
  /** Of its key set when it was read: its versions are identified by it. */
  vaultId: string;
  keySetId: string;
  externalKeyId: string;
  /** As the store has it; {@link stateAt} sees to the clock. */
  state: Exclude<CloudKeyState, 'CREATING' | 'DELETED'>;
  /** Milliseconds since the epoch; Infinity for never. */
  expiresAt: number;
  canEncrypt: boolean;
  canDecrypt: boolean;
  currentVersion: number;
  /** Those that may be used. */
  versions: ReadonlyMap<number, KeyVersion>;
  quota: Quota | undefined;
}

export interface KeyVersion {
  cloudKeyId: string;
  version: number;
  objectId: Buffer;
  /** What its key object has to show, as token hosts take it: made once, compared with each request. */
  identity: Buffer;
  /** Its key object was found not to be the one on record. */
  unfit: boolean;
  /** Form of the AAD of ciphertext without our own metadata: keys taken over from AWS's sample proxy have such. */
  foreignForm: AadForm | undefined;
}

/** What a request finds: a frozen key set is in front of the state of its keys. */
export type FoundState = CloudKey['state'] | 'FROZEN';

/** From the moment of its expiry a key is EXPIRED, whether the schedule has written so or not. */
export function stateAt(
  now: number,
  key: Pick<CloudKey, 'state' | 'expiresAt'>,
  keySet: Pick<ServedKeySet, 'frozen'>,
): FoundState {
  if (keySet.frozen) return 'FROZEN';
  if (key.state === 'PENDING_DELETION') return key.state;
  return now < key.expiresAt ? key.state : 'EXPIRED';
}

/** Milliseconds since the epoch; Infinity for null. What is no time has passed already: a broken record opens nothing. */
export function toTime(text: string | null): number {
  if (text === null) return Infinity;
  const time = Date.parse(text);
  return Number.isNaN(time) ? -Infinity : time;
}

export function toVault(row: VaultRow): ServedVault {
  return { tokens: tokensOf(row), frozen: isVaultFrozen(row) };
}

export function toKeySet(row: KeySetRow, revision: number): OwnKeySet {
  return {
    id: row.id,
    vaultId: row.vault_id,
    name: row.name,
    token: row.token,
    pathPrefix: row.path_prefix,
    frozen: row.frozen_at !== null,
    quota: toQuota(`key-set:${row.id}`, row.vault_id, row, revision),
  };
}

/** Undefined for a key that is not there yet or no more. */
export function toCloudKey(
  row: CloudKeyRow,
  versions: readonly KeyVersionRow[],
  vaultId: string,
  revision: number,
): CloudKey | undefined {
  if (row.state === 'CREATING' || row.state === 'DELETED') return undefined;
  return {
    id: row.id,
    vaultId,
    keySetId: row.key_set_id,
    externalKeyId: row.external_key_id,
    state: row.state,
    expiresAt: toTime(row.expires_at),
    canEncrypt: row.can_encrypt === 1,
    canDecrypt: row.can_decrypt === 1,
    currentVersion: row.current_version,
    versions: new Map(
      versions
        // A version that is being made or destroyed is used by nobody.
        .filter(({ state }) => state === 'ACTIVE')
        .map((version) => [
          version.version,
          {
            cloudKeyId: row.id,
            version: version.version,
            objectId: version.object_id,
            identity: identityOfVersion({
              vaultId,
              keySetId: row.key_set_id,
              externalKeyId: row.external_key_id,
              cloudKeyId: row.id,
              version: version.version,
              objectId: version.object_id,
              origin: version.origin,
              label: version.label,
              proof: version.proof,
            }),
            unfit: version.unfit_since !== null,
            foreignForm: version.origin === 'aws-sample-proxy' ? ('sha256' as const) : undefined,
          },
        ]),
    ),
    quota: toQuota(`cloud-key:${row.id}`, vaultId, row, revision),
  };
}
