import { randomUUID } from 'node:crypto';
import { record, type Act } from '../../evidence/trail.ts';
import type { Secret } from '../../secret.ts';
import type { AwsContext } from '../controller/context.ts';
import type { OpenKey } from './sign-in.ts';
import { checkNotRotatedElsewhere, sealKey } from './access-keys.ts';
import { checkAccess, type Checked } from './check.ts';
import {
  accountEntry,
  auditedAccount,
  checkAccountName,
  findAccount,
  type CspAccountRecord,
} from './records.ts';
import {
  checkSecretAccessKey,
  checkShape,
  guessPartition,
  parseAccountInput,
  parseAwsAccessKeyId,
  type CspAccountInput,
} from './fields.ts';
import type { Sight } from '../../vault/context.ts';
import { nextRotation } from '../../keys/rotation-time.ts';
import { checkOwner } from '../../vault/sight.ts';
import { VaultError } from '../../vault/vault-error.ts';

/**
 * Makes a CSP account: which account at the cloud service provider key sets are for, and how it is signed in to. A
 * credential that AWS refuses is refused here too, with nothing stored; permissions that are missing are in the check
 * report. Throws NameError, VaultError, AwsError, TokenError.
 */
// oxlint-disable-next-line max-lines-per-function -- steps whose order is the promise: nothing is kept that AWS refuses
export async function createCspAccount(
  context: AwsContext,
  act: Act,
  vaultId: string,
  sight: Sight,
  input: CspAccountInput,
): Promise<CspAccountRecord> {
  const now = act.at.toISOString();
  const { type = 'manual' } = input;
  const told = parseAccountInput(input);
  const row = {
    id: randomUUID(),
    vault_id: vaultId,
    admin_group_id: input.adminGroupId,
    name: told.name ?? '',
    description: told.description ?? '',
    type,
    aws_account_id: told.aws_account_id ?? '',
    default_region: told.default_region ?? '',
    partition: told.partition ?? guessPartition(input),
    fips: told.fips ?? 0,
    role_arn: told.role_arn ?? '',
    // Ours to make: chosen by a user, it could be the one of another's role.
    external_id: type === 'role' ? randomUUID() : '',
    access_key_rotation_days: told.access_key_rotation_days ?? null,
    created_at: now,
    updated_at: now,
  };
  const key = openKeyOf(input);
  checkShape(row, key !== undefined);
  // Before AWS is asked for somebody who may not have it asked.
  await context.store.write(act, async (trx) => {
    await checkOwner(trx, vaultId, sight, row.admin_group_id);
    await checkAccountName(trx, row);
  });
  const checked =
    type === 'manual' ? undefined : await checkAccess(context, row, key, { strict: type !== 'role' });
  const keyRow =
    key === undefined
      ? undefined
      : await sealKey(context, row, key, {
          state: 'CURRENT',
          origin: 'operator',
          created_at: (checked?.keyCreatedAt ?? act.at).toISOString(),
        });
  return context.store.write(act, async (trx) => {
    await checkOwner(trx, vaultId, sight, row.admin_group_id);
    await checkAccountName(trx, row);
    await trx
      .insertInto('csp_accounts')
      .values({
        ...row,
        ...checkedColumns(row, checked, act.at),
        next_access_key_rotation_at:
          keyRow === undefined
            ? null
            : (nextRotation(
                new Date(keyRow.created_at),
                row.access_key_rotation_days,
                act.at,
              )?.toISOString() ?? null),
      })
      .execute();
    if (keyRow !== undefined) {
      await checkNotRotatedElsewhere(trx, keyRow);
      await trx.insertInto('csp_access_keys').values(keyRow).execute();
    }
    const made = await findAccount(trx, vaultId, 'all', row.id);
    await record(trx, act, { ...accountEntry('create', made), after: auditedAccount(made), creates: true });
    return made;
  });
}

/** The access key that is told; undefined where none is. Throws NameError, VaultError `invalid`. */
export function openKeyOf(input: {
  accessKeyId?: string | null | undefined;
  secretAccessKey?: Secret | undefined;
}): OpenKey | undefined {
  const { accessKeyId, secretAccessKey } = input;
  if ((accessKeyId ?? undefined) === undefined && secretAccessKey === undefined) return undefined;
  if (typeof accessKeyId !== 'string' || secretAccessKey === undefined)
    throw new VaultError('invalid', 'accessKeyId and secretAccessKey must be provided together');
  return {
    accessKeyId: parseAwsAccessKeyId(accessKeyId),
    secret: checkSecretAccessKey(secretAccessKey),
  };
}

/** What a check makes of the row. Throws VaultError `invalid` where AWS knows the credential as another account's. */
export function checkedColumns(
  row: { aws_account_id: string },
  checked: Checked | undefined,
  at: Date,
): { aws_account_id?: string; checked_at: string | null; check_report: string | null } {
  if (checked === undefined) return { checked_at: null, check_report: null };
  const { report } = checked;
  if (row.aws_account_id !== '' && report.accountId !== row.aws_account_id)
    throw new VaultError(
      'invalid',
      'the credential is of another AWS account than told',
      'leave the AWS account id out: AWS tells it; or give the credential of that account',
    );
  return {
    aws_account_id: report.accountId,
    checked_at: at.toISOString(),
    check_report: JSON.stringify(report),
  };
}
