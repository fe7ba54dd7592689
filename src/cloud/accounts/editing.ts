import { randomUUID } from 'node:crypto';
import type { Transaction } from 'kysely';
import { record, type Act } from '../../evidence/trail.ts';
import type { Tables } from '../../store/schema.ts';
import type { AwsContext } from '../controller/context.ts';
import { currentKey, openKey, type CspAccessKey, type OpenKey } from './sign-in.ts';
import { checkNotRotatedElsewhere, forgetKeys, keysOf, sealKey } from './access-keys.ts';
import { checkAccess, type Checked } from './check.ts';
import { leftInIam } from './left-in-iam.ts';
import { checkedColumns, openKeyOf } from './making.ts';
import {
  accountEntry,
  auditedAccount,
  checkAccountName,
  findAccount,
  withoutRotation,
  type CspAccountRecord,
} from './records.ts';
import { checkShape, parseAccountInput, type CspAccountInput } from './fields.ts';
import { bumpRecord } from '../../vault/edit-record.ts';
import { changes, type Edit } from '../../vault/edits.ts';
import { checkRowVersion, checkUnchanged, type Target } from '../../vault/context.ts';
import { nextRotation } from '../../keys/rotation-time.ts';
import { checkOwner } from '../../vault/sight.ts';
import { VaultError } from '../../vault/vault-error.ts';

/**
 * Changes a CSP account. What concerns how it signs in is tried first, as when one is made; a credential that AWS
 * refuses changes nothing. Throws VaultError `not-found`, `precondition`, `conflict`, `invalid`, `forbidden`; NameError,
 * AwsError, TokenError.
 */
export async function updateCspAccount(
  context: AwsContext,
  act: Act,
  { vaultId, sight, id, expected }: Target,
  input: Edit<CspAccountInput>,
): Promise<CspAccountRecord> {
  const before = await findAccount(context.store.db, vaultId, sight, id);
  checkRowVersion(before, expected);
  const edit = await planEdit(context, before, input);
  const keyRow = await edit.keyRow(act.at);
  const after = await context.store.write(act, async (trx) => {
    const now = await findAccount(trx, vaultId, sight, id);
    // AWS was asked about the record as it was.
    checkUnchanged(now, before);
    const { change } = edit;
    if (change.admin_group_id !== undefined && change.admin_group_id !== before.admin_group_id)
      await checkOwner(trx, vaultId, sight, change.admin_group_id);
    const columns = { ...change, ...edit.columns(act.at) };
    if (!edit.changesKey && !changes(before, columns)) return before;
    await checkAccountName(trx, { ...before, ...change });
    if (keyRow !== undefined) await checkNotRotatedElsewhere(trx, keyRow);
    await checkNotMoved(trx, before, columns.aws_account_id ?? before.aws_account_id);
    const replaced = edit.changesKey ? await replaceKeys(trx, id, keyRow) : [];
    await bumpRecord(trx, 'csp_accounts', before, { ...columns, ...leftBehind(replaced) });
    const changed = await findAccount(trx, vaultId, 'all', id);
    await record(trx, act, {
      ...accountEntry('update', changed),
      before: {
        ...auditedAccount(before),
        ...(replaced.length === 0
          ? {}
          : { accessKeysLeftInIam: replaced.map(({ access_key_id }) => access_key_id) }),
      },
      after: {
        ...auditedAccount(changed),
        ...(edit.newKey === undefined ? {} : { secretAccessKey: 'given' }),
      },
    });
    return changed;
  });
  context.aws.forget(id);
  return after;
}

interface PlannedEdit {
  change: ReturnType<typeof parseAccountInput>;
  /** Besides what is told: what the check found, what another type does away with. */
  columns: (at: Date) => Partial<CspAccountRecord>;
  changesKey: boolean;
  newKey: OpenKey | undefined;
  keyRow: (at: Date) => Promise<CspAccessKey | undefined>;
}

// oxlint-disable-next-line complexity, max-lines-per-function -- one field of the account after another
async function planEdit(
  context: AwsContext,
  before: CspAccountRecord,
  input: Edit<CspAccountInput>,
): Promise<PlannedEdit> {
  const told = parseAccountInput(input);
  const newKey = openKeyOf(input);
  // A role that is told no more goes with the type that had it.
  const { aws_account_id: toldAccount = '', ...rest } = told;
  const type = told.type ?? before.type;
  const change: ReturnType<typeof parseAccountInput> = {
    ...rest,
    // Of all types but manual AWS itself says which account it is.
    ...(type === 'manual' && told.aws_account_id !== undefined ? { aws_account_id: toldAccount } : {}),
    ...(told.type !== undefined && told.type !== 'role' && told.role_arn === undefined
      ? { role_arn: '' }
      : {}),
  };
  const next = { ...before, ...change };
  const takesKey = next.type === 'access-key' || next.type === 'role';
  const keepsKey =
    takesKey && before.access_key_id !== null && input.accessKeyId !== null && newKey === undefined;
  const hasKey = newKey !== undefined || keepsKey;
  if (!hasKey && input.accessKeyRotationDays === undefined)
    Object.assign(change, { access_key_rotation_days: null });
  Object.assign(next, change);
  checkShape({ ...next, aws_account_id: toldAccount }, hasKey);
  const isNewRole = next.type === 'role' && before.external_id === '';
  if (isNewRole) next.external_id = randomUUID();
  const changesKey = newKey !== undefined || (before.access_key_id !== null && !keepsKey);
  const changesAccess =
    changesKey ||
    next.type !== before.type ||
    next.partition !== before.partition ||
    next.fips !== before.fips ||
    next.role_arn !== before.role_arn;
  let checked: Checked | undefined;
  if (changesAccess && next.type !== 'manual') {
    const kept = keepsKey ? await currentKey(context.store.db, before.id) : undefined;
    const key = newKey ?? (kept === undefined ? undefined : await openKey(context, before, kept));
    checked = await checkAccess(context, next, key, { strict: !isNewRole });
  }
  if (next.type !== 'manual' && !changesAccess && toldAccount !== '' && toldAccount !== before.aws_account_id)
    throw new VaultError(
      'invalid',
      'the credential is of another AWS account than told',
      'leave the AWS account id out: AWS tells it; or give the credential of that account',
    );
  const createdAt = (at: Date) => checked?.keyCreatedAt ?? at;
  return {
    change,
    changesKey,
    newKey,
    columns: (at) => ({
      ...(changesAccess ? checkedColumns({ aws_account_id: toldAccount }, checked, at) : {}),
      ...(isNewRole ? { external_id: next.external_id } : {}),
      ...(hasKey ? {} : withoutRotation),
      ...(changesKey && hasKey
        ? { ...withoutRotation, access_key_rotation_days: next.access_key_rotation_days }
        : {}),
      ...(hasKey && (changesKey || next.access_key_rotation_days !== before.access_key_rotation_days)
        ? {
            next_access_key_rotation_at:
              nextRotation(
                newKey === undefined ? new Date(before.access_key_created_at ?? at) : createdAt(at),
                next.access_key_rotation_days,
                at,
              )?.toISOString() ?? null,
          }
        : {}),
    }),
    keyRow: async (at) =>
      newKey === undefined
        ? undefined
        : sealKey(context, before, newKey, {
            state: 'CURRENT',
            origin: 'operator',
            created_at: createdAt(at).toISOString(),
          }),
  };
}

/** What exists in one AWS account is not in another: key stores and keys would be lost from sight. */
async function checkNotMoved(
  trx: Transaction<Tables>,
  { id, aws_account_id: before }: Pick<CspAccountRecord, 'id' | 'aws_account_id'>,
  after: string,
): Promise<void> {
  if (before === '' || after === before) return;
  const store = await trx
    .selectFrom('external_key_stores')
    .select('id')
    .where('csp_account_id', '=', id)
    .executeTakeFirst();
  if (store !== undefined)
    throw new VaultError(
      'conflict',
      'external key stores are in the AWS account of this CSP account, and this would be another one',
      'make another CSP account for it; or delete the external key stores first',
    );
}

/** The new access key in place of all there were. Answers those that are ours no more and in IAM still. */
async function replaceKeys(
  trx: Transaction<Tables>,
  id: string,
  key: CspAccessKey | undefined,
): Promise<CspAccessKey[]> {
  const before = await keysOf(trx, id);
  await forgetKeys(trx, id);
  if (key !== undefined) await trx.insertInto('csp_access_keys').values(key).execute();
  return before.filter((one) => one.access_key_id !== key?.access_key_id);
}

/** What a rotation had made and nobody else knows of is told to whoever looks. */
function leftBehind(replaced: readonly CspAccessKey[]): { access_key_rotation_problem?: string } {
  const ids = replaced.filter(({ state }) => state !== 'CURRENT').map(({ access_key_id }) => access_key_id);
  if (ids.length === 0) return {};
  return { access_key_rotation_problem: leftInIam(ids) };
}
