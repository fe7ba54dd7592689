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
    administrator: administrator.describe('Who administers it.'),
    tokens,
    signInUrl: z.string().describe('Where its users sign in.'),
    apiUrl: z.string().describe('Where its part of this API is.'),
    state: z
      .enum(['ACTIVE', 'FROZEN'])
      .describe('FROZEN: every request for one of its keys is answered InvalidStateException.'),
    frozenSince: z
      .strictObject({
        vault: time.nullable().describe('Ended by its own administrators.'),
        appliance: time.nullable().describe('Held by the appliance, and ended by its administrators.'),
      })
      .describe('Which freezes of the vault as a whole there are; its keys are usable once there is none.'),
    keySets: z.int().describe('As far as the caller sees them, and so the CloudKeys.'),
    cloudKeys: z.int().describe('CloudKeys that are not deleted.'),
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
    summary: 'Make a vault',
    description:
      'With its first vault administrator and an admin group called “Cloud Admin Group”. The administrator’s first ' +
      'password goes by mail where mail is set up, else it is in the answer, this once; it must be changed at the first ' +
      'sign-in.',
    access: write,
    body: z.strictObject({
      name,
      type: type.default('cloud-key-management'),
      description: description.default(''),
      administrator: administrator.extend({ username }),
      tokens: tokens.optional().describe('All of the configuration if left out.'),
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
    method: 'PATCH',
    path: '/vaults/{vaultId}',
    tag,
    summary: 'Change a vault',
    description:
      'A token that a key set uses cannot be taken away. Vault administrators change the description alone.',
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
    method: 'DELETE',
    path: '/vaults/{vaultId}',
    tag,
    summary: 'Delete a vault',
    description:
      'Its users, sessions and API keys end at once. A vault with key sets goes only where its name is repeated and every ' +
      'CloudKey of it is DISABLED, EXPIRED, PENDING_DELETION or DELETED: their key objects are then destroyed, and what ' +
      'AWS encrypted with them can never be decrypted again. It is gone when this is answered; the records of a large one ' +
      'are taken away in the minutes after, and named in its trail (`vault.delete-contents`).',
    access: write,
    params: one,
    query: z.strictObject({
      confirm: z.string().max(120).optional().describe('The vault’s name, where it is not empty.'),
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
    summary: 'Give a vault administrator a new first password',
    description:
      'For a vault whose administrators are locked out. It stands in the audit trail of the vault too: nobody gets into a ' +
      'vault in this way unseen.',
    access: write,
    params: one,
    body: z.strictObject({
      username: username.optional().describe('The one who is there the longest if left out.'),
      email: email
        .optional()
        .describe('With a username makes the first vault administrator of a vault that has none.'),
      removeSecondFactor: z.boolean().default(false).describe('Also takes away their second factor.'),
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
