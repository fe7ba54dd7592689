import { parsePrincipals, parseRegion } from '../vault/aws-names.ts';
import type { Edit } from '../vault/edits.ts';
import { parseExpiry } from '../vault/expiry.ts';
import type { CloudKeyRecord } from './key-records.ts';
import { parseQuota, parseRotationDays, type QuotaInput } from '../vault/limits.ts';
import { parseDescription, parseName } from '../vault/names.ts';

/** When a CloudKey is rotated: as its key set says, never, or every so many days. */
export type RotationInput = { kind: 'INHERIT' } | { kind: 'NEVER' } | { kind: 'DAYS'; days: number };

/** What may be told of a CloudKey, and changed later. */
export interface CloudKeyInput {
  name: string;
  description?: string | undefined;
  /** AWS Region; that of the key set's CSP account if left out. */
  region?: string | undefined;
  /** ARNs of IAM users and roles. */
  administrators?: readonly string[] | undefined;
  users?: readonly string[] | undefined;
  rotation?: RotationInput | undefined;
  /** In the future; null for never. */
  expiresAt?: Date | null | undefined;
  quota?: QuotaInput | null | undefined;
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
export function parseKeyInput(input: Edit<CloudKeyInput>, now: Date): KeyChange {
  const { rotation } = input;
  return {
    ...(input.name === undefined ? {} : { name: parseName(input.name) }),
    ...(input.description === undefined ? {} : { description: parseDescription(input.description) }),
    ...(input.region === undefined ? {} : { region: parseRegion(input.region) }),
    ...(input.administrators === undefined
      ? {}
      : { administrators: JSON.stringify(parsePrincipals(input.administrators)) }),
    ...(input.users === undefined ? {} : { users: JSON.stringify(parsePrincipals(input.users)) }),
    ...(rotation === undefined
      ? {}
      : {
          rotation: rotation.kind,
          rotation_days: rotation.kind === 'DAYS' ? parseRotationDays(rotation.days) : null,
        }),
    ...(input.expiresAt === undefined ? {} : { expires_at: parseExpiry(input.expiresAt, now) }),
    ...(input.quota === undefined ? {} : parseQuota(input.quota)),
  };
}
