import { parsePrincipals, parseRegion } from '../vault/aws-names.ts';
import type { Edit } from '../vault/edits.ts';
import { parseExpiry } from '../vault/expiry.ts';
import type { CloudKeyRecord } from './key-records.ts';
import { parseQuota, parseRotationDays, type QuotaWish } from '../vault/limits.ts';
import { parseDescription, parseName } from '../vault/names.ts';

/** When a CloudKey is rotated: as its key set says, never, or every so many days. */
export type RotationWish = { kind: 'INHERIT' } | { kind: 'NEVER' } | { kind: 'DAYS'; days: number };

/** What may be told of a CloudKey, and changed later. */
export interface CloudKeyWish {
  name: string;
  description?: string | undefined;
  /** AWS Region; that of the key set's CSP account if left out. */
  region?: string | undefined;
  /** ARNs of IAM users and roles. */
  administrators?: readonly string[] | undefined;
  users?: readonly string[] | undefined;
  rotation?: RotationWish | undefined;
  /** In the future; null for never. */
  expiresAt?: Date | null | undefined;
  quota?: QuotaWish | null | undefined;
}

export type KeyChange = Partial<
  Pick<
    CloudKeyRecord,
    | 'name'
    | 'description'
    | 'region'
    | 'administrators'
    | 'users'
    | 'rotation'
    | 'rotation_days'
    | 'expires_at'
    | 'quota_rate'
    | 'quota_burst'
  >
>;

/** What is told, parsed; what is left out stays out. Throws NameError, VaultError `invalid`. */
export function parseKeyWish(wish: Edit<CloudKeyWish>, now: Date): KeyChange {
  const { rotation } = wish;
  return {
    ...(wish.name === undefined ? {} : { name: parseName(wish.name) }),
    ...(wish.description === undefined ? {} : { description: parseDescription(wish.description) }),
    ...(wish.region === undefined ? {} : { region: parseRegion(wish.region) }),
    ...(wish.administrators === undefined
      ? {}
      : { administrators: JSON.stringify(parsePrincipals(wish.administrators)) }),
    ...(wish.users === undefined ? {} : { users: JSON.stringify(parsePrincipals(wish.users)) }),
    ...(rotation === undefined
      ? {}
      : {
          rotation: rotation.kind,
          rotation_days: rotation.kind === 'DAYS' ? parseRotationDays(rotation.days) : null,
        }),
    ...(wish.expiresAt === undefined ? {} : { expires_at: parseExpiry(wish.expiresAt, now) }),
    ...(wish.quota === undefined ? {} : parseQuota(wish.quota)),
  };
}
