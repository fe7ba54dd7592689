import { randomUUID } from 'node:crypto';
import { sql, type Selectable, type Transaction } from 'kysely';
import { record, type Act, type AuditEntry } from '../evidence/trail.ts';
import type { AdminGroupTable, Tables } from '../store/schema.ts';
import type { ActTransaction } from '../store/store.ts';
import { changes, type Edit } from '../vault/edits.ts';
import { checkRowVersion, type Expected, type VaultContext, type Sight } from '../vault/context.ts';
import { parseDescription, parseTitle } from '../vault/names.ts';
import { notByIndex, readPage, type Page, type PageInput } from '../vault/page.ts';
import { VaultError } from '../vault/vault-error.ts';
import type { UserRow } from './sessions.ts';
import { findUser } from './users.ts';
import { bumpRecord, editRecord } from '../vault/edit-record.ts';

/** An admin group that an act is on. */
interface GroupTarget extends Expected {
  vaultId: string;
  groupId: string;
}

/** An admin group with how many are in it. */
export type AdminGroup = Selectable<AdminGroupTable> & { members: number };

/** The group that each new vault has. */
export const firstGroupName = 'Cloud Admin Group';

export interface AdminGroupInput {
  name: string;
  description?: string | undefined;
}

export const adminGroupOrders = {
  name: 'admin_groups.name',
  createdAt: 'admin_groups.created_at',
  updatedAt: 'admin_groups.updated_at',
} as const;

export const memberOrders = { username: 'users.username_key', createdAt: 'users.created_at' } as const;

/** `name` is the beginning of one. Those that the caller sees: all, or for a cloud admin the ones they are in. */
export async function listAdminGroups(
  context: VaultContext,
  vaultId: string,
  sight: Sight,
  input: PageInput & { name?: string | undefined },
): Promise<Page<AdminGroup>> {
  let query = groups(context.store.db, vaultId);
  if (sight !== 'all') query = query.where((eb) => eb(notByIndex(eb.ref('id')), 'in', [...sight]));
  if (input.name !== undefined)
    query = query.where(sql<string>`substr(admin_groups.name, 1, ${input.name.length})`, '=', input.name);
  const through = context.store.db.selectFrom('admin_groups').where('vault_id', '=', vaultId);
  return readPage(query, through, adminGroupOrders, 'admin_groups.id', input);
}

/** Throws VaultError `not-found`, also for a group that the caller does not see. */
export async function findAdminGroup(
  db: VaultContext['store']['db'] | Transaction<Tables>,
  vaultId: string,
  sight: Sight,
  groupId: string,
): Promise<AdminGroup> {
  const group =
    sight === 'all' || sight.includes(groupId)
      ? await groups(db, vaultId).where('id', '=', groupId).executeTakeFirst()
      : undefined;
  if (group === undefined) throw new VaultError('not-found', 'there is no such admin group');
  return group;
}

export async function createAdminGroup(
  context: VaultContext,
  act: Act,
  vaultId: string,
  input: AdminGroupInput,
): Promise<AdminGroup> {
  return context.store.write(act, async (trx) => insertAdminGroup(trx, context, act, vaultId, input));
}

/** Throws VaultError `conflict` where the name is taken. */
export async function insertAdminGroup(
  trx: ActTransaction,
  context: VaultContext,
  act: Act,
  vaultId: string,
  input: AdminGroupInput,
): Promise<AdminGroup> {
  const now = context.now().toISOString();
  const row = await trx
    .insertInto('admin_groups')
    .values({
      id: randomUUID(),
      vault_id: vaultId,
      name: parseTitle(input.name),
      description: parseDescription(input.description ?? ''),
      created_at: now,
      updated_at: now,
    })
    .onConflict((conflict) => conflict.columns(['vault_id', 'name']).doNothing())
    .returningAll()
    .executeTakeFirst();
  if (row === undefined) throw nameTaken();
  await record(trx, act, {
    ...groupEntry('create', row),
    after: { name: row.name, description: row.description },
    creates: true,
  });
  return { ...row, members: 0 };
}

export async function updateAdminGroup(
  context: VaultContext,
  act: Act,
  { vaultId, groupId, expected }: GroupTarget,
  change: Edit<AdminGroupInput>,
): Promise<AdminGroup> {
  return context.store.write(act, async (trx) => {
    const before = await findAdminGroup(trx, vaultId, 'all', groupId);
    checkRowVersion(before, expected);
    const name = change.name === undefined ? before.name : parseTitle(change.name);
    const description =
      change.description === undefined ? before.description : parseDescription(change.description);
    if (!changes(before, { name, description })) return before;
    const taken = await trx
      .selectFrom('admin_groups')
      .select('id')
      .where('vault_id', '=', vaultId)
      .where('name', '=', name)
      .where('id', '<>', groupId)
      .executeTakeFirst();
    if (taken !== undefined) throw nameTaken();
    await editRecord(trx, 'admin_groups', before, { name, description });
    await record(trx, act, {
      ...groupEntry('update', before),
      before: { name: before.name, description: before.description },
      after: { name, description },
    });
    return findAdminGroup(trx, vaultId, 'all', groupId);
  });
}

/** Throws VaultError `conflict` while something belongs to it. */
export async function deleteAdminGroup(
  context: VaultContext,
  act: Act,
  { vaultId, groupId, expected }: GroupTarget,
): Promise<void> {
  await context.store.write(act, async (trx) => {
    const group = await findAdminGroup(trx, vaultId, 'all', groupId);
    checkRowVersion(group, expected);
    for (const table of ['csp_accounts', 'key_sets'] as const) {
      const owned = await trx
        .selectFrom(table)
        .select('id')
        .where('admin_group_id', '=', groupId)
        .executeTakeFirst();
      if (owned !== undefined)
        throw new VaultError(
          'conflict',
          'CSP accounts or key sets belong to the admin group',
          'give them to another admin group, or delete them first',
        );
    }
    await trx.deleteFrom('admin_groups').where('id', '=', groupId).execute();
    await record(trx, act, {
      ...groupEntry('delete', group),
      before: { name: group.name, description: group.description },
    });
  });
}

export async function listMembers(
  context: VaultContext,
  vaultId: string,
  groupId: string,
  input: PageInput,
): Promise<Page<UserRow>> {
  await findAdminGroup(context.store.db, vaultId, 'all', groupId);
  const through = context.store.db.selectFrom('users').where('users.vault_id', '=', vaultId);
  const query = through
    .selectAll()
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('admin_group_members')
          .select('group_id')
          .where('group_id', '=', groupId)
          .whereRef('user_id', '=', 'users.id'),
      ),
    );
  return readPage(query, through, memberOrders, 'users.id', input);
}

/** Safe to repeat. Throws VaultError `not-found` for a group or a user who is not of the vault. */
export async function addMember(
  context: VaultContext,
  act: Act,
  vaultId: string,
  groupId: string,
  userId: string,
): Promise<void> {
  await context.store.write(act, async (trx) => {
    const group = await findAdminGroup(trx, vaultId, 'all', groupId);
    const user = await findUser({ db: trx }, vaultId, userId);
    const added = await trx
      .insertInto('admin_group_members')
      .values({ group_id: groupId, user_id: userId, created_at: context.now().toISOString() })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (added.numInsertedOrUpdatedRows !== 1n) return;
    await bumpRecord(trx, 'admin_groups', group);
    await record(trx, act, {
      ...groupEntry('add-member', group),
      after: { userId, username: user.username },
    });
  });
}

/** Safe to repeat. From the moment this returns a cloud admin sees nothing of the group's any more. */
export async function removeMember(
  context: VaultContext,
  act: Act,
  vaultId: string,
  groupId: string,
  userId: string,
): Promise<void> {
  await context.store.write(act, async (trx) => {
    const group = await findAdminGroup(trx, vaultId, 'all', groupId);
    const user = await findUser({ db: trx }, vaultId, userId);
    const removed = await trx
      .deleteFrom('admin_group_members')
      .where('group_id', '=', groupId)
      .where('user_id', '=', userId)
      .executeTakeFirst();
    if (removed.numDeletedRows === 0n) return;
    await bumpRecord(trx, 'admin_groups', group);
    await record(trx, act, {
      ...groupEntry('remove-member', group),
      before: { userId, username: user.username },
    });
  });
}

function groups(db: VaultContext['store']['db'] | Transaction<Tables>, vaultId: string) {
  return db
    .selectFrom('admin_groups')
    .selectAll('admin_groups')
    .select((eb) =>
      eb
        .selectFrom('admin_group_members')
        .select((inner) => inner.fn.countAll<number>().as('count'))
        .whereRef('admin_group_members.group_id', '=', 'admin_groups.id')
        .$asScalar()
        .$notNull()
        .as('members'),
    )
    .where('admin_groups.vault_id', '=', vaultId);
}

function nameTaken(): VaultError {
  return new VaultError('conflict', 'another admin group of the vault has this name');
}

function groupEntry(
  verb: string,
  group: Selectable<AdminGroupTable>,
): Pick<AuditEntry, 'action' | 'vaultId' | 'target'> {
  return {
    action: `admin-group.${verb}`,
    vaultId: group.vault_id,
    target: { kind: 'admin-group', id: group.id, name: group.name },
  };
}
