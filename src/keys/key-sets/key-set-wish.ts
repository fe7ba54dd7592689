import type { Edit } from '../../vault/edits.ts';
import type { KeySet } from './key-set-records.ts';
import { parseQuota, parseRotationDays, type QuotaWish } from '../../vault/limits.ts';
import { parseDescription, parseName, parsePathPrefix } from '../../vault/names.ts';

/** What may be told of a key set, and changed later. */
export interface KeySetWish {
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
  quota?: QuotaWish | null | undefined;
}

export type KeySetChange = Partial<
  Omit<KeySet, 'id' | 'vault_id' | 'row_version' | 'created_at' | 'updated_at'>
>;

/** What is told, parsed; what is left out stays out. Throws NameError, VaultError `invalid`. */
export function parseKeySetWish(wish: Edit<KeySetWish>): KeySetChange {
  return {
    ...(wish.name === undefined ? {} : { name: parseName(wish.name) }),
    ...(wish.description === undefined ? {} : { description: parseDescription(wish.description) }),
    ...(wish.adminGroupId === undefined ? {} : { admin_group_id: wish.adminGroupId }),
    ...(wish.cspAccountId === undefined ? {} : { csp_account_id: wish.cspAccountId }),
    ...(wish.token === undefined ? {} : { token: wish.token }),
    ...(wish.externalKeyStore === undefined ? {} : { external_key_store: wish.externalKeyStore ? 1 : 0 }),
    ...(wish.pathPrefix === undefined ? {} : { path_prefix: parsePathPrefix(wish.pathPrefix) }),
    ...(wish.rotationDays === undefined ? {} : { rotation_days: parseRotationDays(wish.rotationDays) }),
    ...(wish.quota === undefined ? {} : parseQuota(wish.quota)),
  };
}
