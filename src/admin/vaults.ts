import { z } from 'zod';
import { createVault, parseAdministrator, resetVaultAdministrator } from '../tenancy/vault-creation.ts';
import { deleteVault } from '../tenancy/vault-deletion.ts';
import { VaultError } from '../vault/vault-error.ts';
import { isVaultFrozen } from '../vault/vault-frozen.ts';
import { tokensOf } from '../vault/granted-tokens.ts';
import { findVault, listVaults, updateVault, vaultOrders, type Vault } from '../vault/vaults.ts';
import { wayToTheAppliance } from './access.ts';
import { vaultAddresses } from './addresses.ts';
import { description, namePrefix, time, vaultId } from './keys/key-forms.ts';
import { pageOf, pageQuery, pageInput } from './page-query.ts';
import { delivery, email, showDelivery, siteOf, username } from './people/people-forms.ts';
import { callerOf, route, shownPage, type Route } from './route.ts';
import type { AdminServices } from './services.ts';

const tag = 'Vaults';
const read = { kind: 'permission', appliance: 'appliance.read' } as const;
const write = { kind: 'permission', appliance: 'vaults.write' } as const;
const one = z.strictObject({ vaultId });
const name = z.string().min(1).max(120).describe('Unique among the vaults.');
const type = z.literal('cloud-key-management').describe('What the vault is for.');
const administrator = z.strictObject({ name: z.string().min(1).max(100), email });
const tokens = z
  .array(z.string().max(64))
  .min(1)
  .max(10)
  .describe('Names of tokens in the configuration that its key sets may use.');

export const shownVault = z
  .strictObject({
    id: z.uuid(),
    name,
    type,
    description,
    administrator: administrator.describe('The contact for the vault.'),
    tokens,
    signInUrl: z.string().describe('Where its users sign in.'),
    apiUrl: z.string().describe('Where its part of this API is.'),
    state: z
      .enum(['ACTIVE', 'FROZEN'])
      .describe('FROZEN: every request for one of its keys gets InvalidStateException.'),
    frozenSince: z
      .strictObject({
        vault: time.nullable().describe('Frozen by its own administrators, who can thaw it.'),
        appliance: time.nullable().describe('Frozen by the appliance’s administrators, who can thaw it.'),
      })
      .describe('The freezes in effect for the vault as a whole; its keys are usable once there are none.'),
    keySets: z.int().describe('Number of key sets that the caller may see; the same goes for CloudKeys.'),
    cloudKeys: z.int().describe('Number of CloudKeys that are not DELETED.'),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Vault' });

export const vaultRoutes: readonly Route[] = [
  route({
    operation: 'listVaults',
    method: 'GET',
    path: '/vaults',
    tag,
    summary: 'List the vaults',
    access: read,
    query: z.strictObject({ name: namePrefix, ...pageQuery(vaultOrders) }),
    answer: pageOf(shownVault, 'Vault'),
    handle: async ({ services, query }) =>
      shownPage(await listVaults(services, { ...pageInput(query), name: query.name }), (vault) =>
        showVault(services, vault),
      ),
  }),
  route({
    operation: 'createVault',
    method: 'POST',
    path: '/vaults',
    tag,
    summary: 'Create a vault',
    description:
      'Creates its first vault administrator and an admin group called “Cloud Admin Group” with it. The ' +
      'administrator’s first password is sent by mail if mail is set up; otherwise it is in the response, only ' +
      'once. It must be changed at the first sign-in.',
    access: write,
    body: z.strictObject({
      name,
      type: type.default('cloud-key-management'),
      description: description.default(''),
      administrator: administrator.extend({ username }),
      tokens: tokens.optional().describe('All tokens of the configuration if omitted.'),
    }),
    answer: shownVault.extend(delivery),
    creates: {
      again: async ({ services }, id) => {
        const vault = await findVault(services.store.db, id);
        return made(vault, { ...showVault(services, vault), mailed: false });
      },
    },
    handle: async ({ services, act, body }) => {
      const { vault, delivery: how } = await createVault(siteOf(services), act, body);
      return made(vault, { ...showVault(services, vault), ...showDelivery(how) });
    },
  }),
  route({
    operation: 'getVault',
    method: 'GET',
    path: '/vaults/{vaultId}',
    tag,
    summary: 'Show a vault',
    access: { ...read, vault: 'vault.read' },
    params: one,
    answer: shownVault,
    handle: async (call) => {
      const { services, params } = call;
      const { sight } = callerOf(call);
      return vaultAnswer(services, await findVault(services.store.db, params.vaultId, sight));
    },
  }),
  route({
    operation: 'updateVault',
    takesAway: true,
    method: 'PATCH',
    path: '/vaults/{vaultId}',
    tag,
    summary: 'Change a vault',
    description:
      'A token that a key set uses cannot be removed. Vault administrators can change only the description.',
    access: { ...write, vault: 'vault.write' },
    params: one,
    body: z.strictObject({ name, description, administrator, tokens }).partial(),
    answer: shownVault,
    changes: true,
    handle: async (call) => {
      const { services, act, params, body, expected } = call;
      const { administrator: person, ...rest } = body;
      if (
        callerOf(call).vaultId !== '' &&
        Object.entries(body).some(([field, value]) => field !== 'description' && value !== undefined)
      )
        throw new VaultError(
          'forbidden',
          'of the vault itself its administrators change the description alone',
          wayToTheAppliance,
        );
      const change = {
        ...rest,
        ...(person === undefined ? {} : { administrator: parseAdministrator(person) }),
      };
      return vaultAnswer(services, await updateVault(services, act, params.vaultId, change, expected));
    },
  }),
  route({
    operation: 'deleteVault',
    takesAway: true,
    method: 'DELETE',
    path: '/vaults/{vaultId}',
    tag,
    summary: 'Delete a vault',
    description:
      'Its users, sessions and API keys end at once. A vault with key sets is deleted only if `confirm` ' +
      'repeats its name and each of its CloudKeys is DISABLED, EXPIRED, PENDING_DELETION or DELETED: their key ' +
      'objects are then destroyed, and what AWS encrypted with them can never be decrypted again. The vault is ' +
      'gone when this returns; the records of a large one are removed in the following minutes, and listed in ' +
      'its trail (`vault.delete-contents`).',
    access: write,
    params: one,
    query: z.strictObject({
      confirm: z.string().max(120).optional().describe('The vault’s name; required if it has key sets.'),
    }),
    changes: true,
    handle: async ({ services, act, params, query, expected }) => {
      await deleteVault(services, act, params.vaultId, query.confirm, expected);
      return { status: 204 };
    },
  }),
  route({
    operation: 'resetVaultAdministrator',
    method: 'POST',
    path: '/vaults/{vaultId}/administrator-password',
    tag,
    summary: 'Reset the password of a vault administrator',
    description:
      'For a vault whose administrators are locked out. It is recorded in the audit trail of the vault too, so ' +
      'that nobody can enter a vault this way unseen.',
    access: write,
    params: one,
    body: z.strictObject({
      username: username.optional().describe('The longest-standing administrator if omitted.'),
      email: email
        .optional()
        .describe(
          'Together with a username, creates the first vault administrator of a vault that has none.',
        ),
      removeSecondFactor: z.boolean().default(false).describe('Also remove their second factor.'),
    }),
    answer: z.strictObject({ username, ...delivery }).meta({ id: 'ResetVaultAdministrator' }),
    handle: async ({ services, act, params, body }) => {
      const { user, delivery: how } = await resetVaultAdministrator(
        siteOf(services),
        act,
        params.vaultId,
        body,
      );
      return { body: { username: user.username, ...showDelivery(how) } };
    },
  }),
];

function made<B>(vault: Vault, body: B) {
  return { status: 201, body, rowVersion: vault.row_version, location: `/vaults/${vault.id}` };
}

export function vaultAnswer(services: AdminServices, vault: Vault) {
  return { body: showVault(services, vault), rowVersion: vault.row_version };
}

function showVault({ publicUrl }: AdminServices, vault: Vault): z.output<typeof shownVault> {
  return {
    id: vault.id,
    name: vault.name,
    type: vault.type,
    description: vault.description,
    administrator: { name: vault.administrator_name, email: vault.administrator_email },
    tokens: tokensOf(vault),
    ...vaultAddresses(publicUrl, vault.id),
    state: isVaultFrozen(vault) ? 'FROZEN' : 'ACTIVE',
    frozenSince: { vault: vault.frozen_at, appliance: vault.appliance_frozen_at },
    keySets: vault.key_sets,
    cloudKeys: vault.cloud_keys,
    createdAt: vault.created_at,
    updatedAt: vault.updated_at,
  };
}
