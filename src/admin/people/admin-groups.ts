import { z } from 'zod';
import {
  addMember,
  adminGroupOrders,
  createAdminGroup,
  deleteAdminGroup,
  findAdminGroup,
  listAdminGroups,
  listMembers,
  memberOrders,
  removeMember,
  updateAdminGroup,
  type AdminGroup,
} from '../../identity/admin-groups.ts';
import { description, namePrefix, time, vaultId } from '../keys/key-forms.ts';
import { pageOf, pageQuery, pageInput } from '../page-query.ts';
import { callerOf, route, shownPage, type Route } from '../route.ts';
import { showUser, shownUser } from './users.ts';

const tag = 'Admin groups';
const path = '/vaults/{vaultId}/admin-groups';
const read = { kind: 'permission', vault: 'vault.read' } as const;
const write = { kind: 'permission', vault: 'users.write' } as const;
const groupId = z.uuid().describe('The admin group.');
const inVault = z.strictObject({ vaultId });
const one = z.strictObject({ vaultId, groupId });
const member = z.strictObject({ vaultId, groupId, userId: z.uuid().describe('A user of the vault.') });
const name = z.string().min(1).max(120).describe('Unique within the vault.');

const shownGroup = z
  .strictObject({
    id: z.uuid(),
    name,
    description,
    members: z.int().describe('Number of users in the group.'),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'AdminGroup' });

export const adminGroupRoutes: readonly Route[] = [
  route({
    operation: 'listAdminGroups',
    method: 'GET',
    path,
    tag,
    summary: 'List the admin groups of a vault',
    description: 'Cloud admins see the groups that they are a member of.',
    access: read,
    params: inVault,
    query: z.strictObject({ name: namePrefix, ...pageQuery(adminGroupOrders) }),
    answer: pageOf(shownGroup, 'AdminGroup'),
    handle: async (call) => {
      const { services, params, query } = call;
      const input = { ...pageInput(query), name: query.name };
      return shownPage(
        await listAdminGroups(services, params.vaultId, callerOf(call).sight, input),
        showGroup,
      );
    },
  }),
  route({
    operation: 'createAdminGroup',
    method: 'POST',
    path,
    tag,
    summary: 'Create an admin group',
    access: write,
    params: inVault,
    body: z.strictObject({ name, description: description.default('') }),
    answer: shownGroup,
    creates: {
      again: async ({ services, params }, id) =>
        made(await findAdminGroup(services.store.db, params.vaultId, 'all', id)),
    },
    handle: async ({ services, act, params, body }) =>
      made(await createAdminGroup(services, act, params.vaultId, body)),
  }),
  route({
    operation: 'getAdminGroup',
    method: 'GET',
    path: `${path}/{groupId}`,
    tag,
    summary: 'Show an admin group',
    access: read,
    params: one,
    answer: shownGroup,
    handle: async (call) => {
      const { vaultId: vault, groupId: id } = call.params;
      return shown(await findAdminGroup(call.services.store.db, vault, callerOf(call).sight, id));
    },
  }),
  route({
    operation: 'updateAdminGroup',
    method: 'PATCH',
    path: `${path}/{groupId}`,
    tag,
    summary: 'Change an admin group',
    access: write,
    params: one,
    body: z.strictObject({ name, description }).partial(),
    answer: shownGroup,
    changes: true,
    handle: async ({ services, act, params, body, expected }) =>
      shown(
        await updateAdminGroup(
          services,
          act,
          { vaultId: params.vaultId, groupId: params.groupId, expected },
          body,
        ),
      ),
  }),
  route({
    operation: 'deleteAdminGroup',
    method: 'DELETE',
    path: `${path}/{groupId}`,
    tag,
    summary: 'Delete an empty admin group',
    access: write,
    params: one,
    changes: true,
    handle: async ({ services, act, params, expected }) => {
      await deleteAdminGroup(services, act, { vaultId: params.vaultId, groupId: params.groupId, expected });
      return { status: 204 };
    },
  }),
  route({
    operation: 'listAdminGroupMembers',
    method: 'GET',
    path: `${path}/{groupId}/members`,
    tag,
    summary: 'List the members of an admin group',
    access: { kind: 'permission', vault: 'users.read' },
    params: one,
    query: z.strictObject(pageQuery(memberOrders)),
    answer: pageOf(shownUser, 'AdminGroupMember'),
    handle: async ({ services, params, query }) =>
      shownPage(await listMembers(services, params.vaultId, params.groupId, pageInput(query)), (row) =>
        showUser(row, services.now()),
      ),
  }),
  route({
    operation: 'addAdminGroupMember',
    method: 'PUT',
    path: `${path}/{groupId}/members/{userId}`,
    tag,
    summary: 'Add a user to an admin group',
    description: 'Any user of the vault; membership decides what cloud admins see. Idempotent.',
    access: write,
    params: member,
    handle: async ({ services, act, params }) => {
      await addMember(services, act, params.vaultId, params.groupId, params.userId);
      return { status: 204 };
    },
  }),
  route({
    operation: 'removeAdminGroupMember',
    method: 'DELETE',
    path: `${path}/{groupId}/members/{userId}`,
    tag,
    summary: 'Remove a user from an admin group',
    description:
      'Takes effect at once: a cloud admin’s next request no longer sees what belongs to the group. Idempotent.',
    access: write,
    params: member,
    handle: async ({ services, act, params }) => {
      await removeMember(services, act, params.vaultId, params.groupId, params.userId);
      return { status: 204 };
    },
  }),
];

function made(group: AdminGroup) {
  return { ...shown(group), status: 201, location: `/vaults/${group.vault_id}/admin-groups/${group.id}` };
}

function shown(group: AdminGroup) {
  return { body: showGroup(group), rowVersion: group.row_version };
}

function showGroup(group: AdminGroup) {
  return {
    id: group.id,
    name: group.name,
    description: group.description,
    members: group.members,
    createdAt: group.created_at,
    updatedAt: group.updated_at,
  };
}
