import { randomUUID } from 'node:crypto';
import { type Selectable, type Transaction } from 'kysely';
import { beginsWith } from './begins-with.ts';
import { record, type Act } from '../audit/trail.ts';
import type { CspAccountTable, Tables } from '../store/schema.ts';
import { parseAwsAccountId, parseRegion } from './aws-names.ts';
import { changes, type Edit, type Reading } from './edits.ts';
import { checkRowVersion, type House, type Sight } from './house.ts';
import { parseDescription, parseTitle } from './names.ts';
import { readPage, type Page, type PageWish } from './page.ts';
import { checkOwner, seenBy } from './sight.ts';
import { VaultError } from './vault-error.ts';

export type CspAccount = Selectable<CspAccountTable>;

/** What may be told of a CSP account, and changed later. */
export interface CspAccountWish {
  name: string;
  description?: string | undefined;
  adminGroupId: string;
  /** 12 digits; '' or nothing where it is not told. */
  awsAccountId?: string | undefined;
  /** AWS Region of its CloudKeys that tell none. */
  defaultRegion?: string | undefined;
}

export interface CspAccountFilter {
  /** Beginning of the name. */
  name?: string | undefined;
  adminGroupId?: string | undefined;
}

export const cspAccountOrders = {
  name: 'csp_accounts.name',
  createdAt: 'csp_accounts.created_at',
  updatedAt: 'csp_accounts.updated_at',
} as const;

/**
 * Makes a CSP account: which account at the cloud service provider key sets are for. Of type manual, since nothing here
 * signs in there. Throws NameError, VaultError.
 */
export async function createCspAccount(
  house: House,
  act: Act,
  vaultId: string,
  sight: Sight,
  wish: CspAccountWish,
): Promise<CspAccount> {
  const now = act.at.toISOString();
  const row = {
    id: randomUUID(),
    vault_id: vaultId,
    admin_group_id: wish.adminGroupId,
    name: parseTitle(wish.name),
    description: parseDescription(wish.description ?? ''),
    type: 'manual' as const,
    aws_account_id: parseAwsAccountId(wish.awsAccountId ?? ''),
    default_region: parseRegion(wish.defaultRegion ?? ''),
    created_at: now,
    updated_at: now,
  };
  return house.store.write(async (trx) => {
    await checkOwner(trx, vaultId, sight, row.admin_group_id);
    await checkName(trx, row);
    const made = await trx.insertInto('csp_accounts').values(row).returningAll().executeTakeFirstOrThrow();
    await record(trx, act, { ...entry('create', made), after: audited(made), creates: true });
    return made;
  });
}

/** Throws VaultError `not-found`, `precondition`, `conflict`, `invalid`, `forbidden`; NameError. */
export async function updateCspAccount(
  house: House,
  act: Act,
  vaultId: string,
  sight: Sight,
  id: string,
  wish: Edit<CspAccountWish>,
  expected?: number,
): Promise<CspAccount> {
  return house.store.write(async (trx) => {
    const before = await find(trx, vaultId, sight, id);
    checkRowVersion(before, expected);
    const change = {
      ...(wish.name === undefined ? {} : { name: parseTitle(wish.name) }),
      ...(wish.description === undefined ? {} : { description: parseDescription(wish.description) }),
      ...(wish.adminGroupId === undefined ? {} : { admin_group_id: wish.adminGroupId }),
      ...(wish.awsAccountId === undefined ? {} : { aws_account_id: parseAwsAccountId(wish.awsAccountId) }),
      ...(wish.defaultRegion === undefined ? {} : { default_region: parseRegion(wish.defaultRegion) }),
    };
    if (change.admin_group_id !== undefined && change.admin_group_id !== before.admin_group_id)
      await checkOwner(trx, vaultId, sight, change.admin_group_id);
    if (!changes(before, change)) return before;
    await checkName(trx, { ...before, ...change });
    const after = await trx
      .updateTable('csp_accounts')
      .set((eb) => ({
        ...change,
        row_version: eb('row_version', '+', 1),
        updated_at: act.at.toISOString(),
      }))
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    await record(trx, act, { ...entry('update', after), before: audited(before), after: audited(after) });
    return after;
  });
}

/** Throws VaultError `conflict` while a key set is for it. */
export async function deleteCspAccount(
  house: House,
  act: Act,
  vaultId: string,
  sight: Sight,
  id: string,
  expected?: number,
): Promise<void> {
  await house.store.write(async (trx) => {
    const before = await find(trx, vaultId, sight, id);
    checkRowVersion(before, expected);
    const used = await trx
      .selectFrom('key_sets')
      .select('id')
      .where('csp_account_id', '=', id)
      .executeTakeFirst();
    if (used !== undefined)
      throw new VaultError(
        'conflict',
        'key sets are for this CSP account',
        'delete them, or give them another CSP account',
      );
    await trx.deleteFrom('csp_accounts').where('id', '=', id).execute();
    await record(trx, act, { ...entry('delete', before), before: audited(before) });
  });
}

export async function listCspAccounts(
  { store }: Pick<House, 'store'>,
  vaultId: string,
  sight: Sight,
  filter: CspAccountFilter,
  page: PageWish,
): Promise<Page<CspAccount>> {
  let query = store.db
    .selectFrom('csp_accounts')
    .selectAll()
    .where('vault_id', '=', vaultId)
    .where((eb) => seenBy(eb.ref('admin_group_id'), sight));
  const { name, adminGroupId } = filter;
  if (name !== undefined) query = query.where((eb) => beginsWith(eb.ref('name'), name));
  if (adminGroupId !== undefined) query = query.where('admin_group_id', '=', adminGroupId);
  return readPage(query, cspAccountOrders, 'csp_accounts.id', page);
}

/** Throws VaultError `not-found`. */
export async function getCspAccount(
  { store }: Pick<House, 'store'>,
  vaultId: string,
  sight: Sight,
  id: string,
): Promise<CspAccount> {
  return find(store.db, vaultId, sight, id);
}

async function find(db: Reading, vaultId: string, sight: Sight, id: string): Promise<CspAccount> {
  const row = await db
    .selectFrom('csp_accounts')
    .selectAll()
    .where('id', '=', id)
    .where('vault_id', '=', vaultId)
    .where((eb) => seenBy(eb.ref('admin_group_id'), sight))
    .executeTakeFirst();
  if (row === undefined) throw new VaultError('not-found', 'there is no such CSP account');
  return row;
}

async function checkName(
  trx: Transaction<Tables>,
  { id, vault_id, name }: Pick<CspAccount, 'id' | 'vault_id' | 'name'>,
): Promise<void> {
  const same = await trx
    .selectFrom('csp_accounts')
    .select('id')
    .where('vault_id', '=', vault_id)
    .where('name', '=', name)
    .where('id', '<>', id)
    .executeTakeFirst();
  if (same !== undefined) throw new VaultError('conflict', 'another CSP account of the vault has this name');
}

function entry(verb: string, { id, name, vault_id }: CspAccount) {
  return { action: `csp-account.${verb}`, vaultId: vault_id, target: { kind: 'csp-account', id, name } };
}

function audited(row: CspAccount) {
  return {
    name: row.name,
    description: row.description,
    adminGroupId: row.admin_group_id,
    type: row.type,
    awsAccountId: row.aws_account_id,
    defaultRegion: row.default_region,
  };
}
