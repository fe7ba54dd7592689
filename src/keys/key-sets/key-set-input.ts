import type { Edit } from '../../vault/edits.ts';
import type { KeySet } from './key-set-records.ts';
import { parseQuota, parseRotationDays, type QuotaInput } from '../../vault/limits.ts';
import { parseDescription, parseName, parsePathPrefix } from '../../vault/names.ts';

/** What may be told of a key set, and changed later. */
export interface KeySetInput {
  name: string;
  description?: string | undefined;
  /** Required of those who see only what is their admin groups'. */
  adminGroupId?: string | null | undefined;
  /** One of the vault that they see. */
  cspAccountId?: string | null | undefined;
  /** One of the vault's tokens. */
  token: string;
  /** True if left out. */
  externalKeyStore?: boolean | undefined;
  /** With or without slashes around it; '' or nothing for none. */
  pathPrefix?: string | undefined;
  /** Days between rotations of its CloudKeys that have no schedule of their own; null for never. */
  rotationDays?: number | null | undefined;
  quota?: QuotaInput | null | undefined;
}

export type KeySetChange = Partial<
  Omit<KeySet, 'id' | 'vault_id' | 'row_version' | 'created_at' | 'updated_at'>
>;

/** What is told, parsed; what is left out stays out. Throws NameError, VaultError `invalid`. */
export function parseKeySetInput(input: Edit<KeySetInput>): KeySetChange {
  return {
    ...(input.name === undefined ? {} : { name: parseName(input.name) }),
    ...(input.description === undefined ? {} : { description: parseDescription(input.description) }),
    ...(input.adminGroupId === undefined ? {} : { admin_group_id: input.adminGroupId }),
    ...(input.cspAccountId === undefined ? {} : { csp_account_id: input.cspAccountId }),
    ...(input.token === undefined ? {} : { token: input.token }),
    ...(input.externalKeyStore === undefined ? {} : { external_key_store: input.externalKeyStore ? 1 : 0 }),
    ...(input.pathPrefix === undefined ? {} : { path_prefix: parsePathPrefix(input.pathPrefix) }),
    ...(input.rotationDays === undefined ? {} : { rotation_days: parseRotationDays(input.rotationDays) }),
    ...(input.quota === undefined ? {} : parseQuota(input.quota)),
  };
}
