import { z } from 'zod';
import { freezeKeySets, thawKeySets } from '../../keys/key-sets/key-set-freezes.ts';
import { freezeAllVaults, freezeVault, thawVault, type FreezeSide } from '../../vault/vault-freezes.ts';
import { vaultId } from './key-forms.ts';
import { callerOf, route, type Call, type Route } from '../route.ts';
import { shownVault, vaultAnswer } from '../vaults.ts';

const reason = z
  .string()
  .max(300)
  .optional()
  .describe('Why, such as the number of an incident: it stands in the audit trail.');
const why = z.strictObject({ reason });
const ofVault = { kind: 'permission', appliance: 'vaults.freeze', vault: 'vault.freeze' } as const;
const ofKeySets = { kind: 'permission', vault: 'key-sets.write' } as const;
const inVault = z.strictObject({ vaultId });
const keySetPath = '/vaults/{vaultId}/key-sets';

const several = z.strictObject({
  keySets: z
    .union([
      z.literal('all').describe('All that the caller sees.'),
      z.array(z.uuid()).min(1).max(1000).describe('These, by their ids.'),
    ])
    .describe('Which key sets.'),
});
const done = z
  .strictObject({
    keySets: z.int().describe('How many were asked for: all of them are so now.'),
    changed: z.int().describe('How many of them were not so already.'),
  })
  .meta({ id: 'KeySetFreezes' });

/** Those of several things at once, and of vaults as a whole. */
export const freezeRoutes: readonly Route[] = [
  route({
    operation: 'freezeAllVaults',
    method: 'POST',
    path: '/vaults/freeze',
    tag: 'Vaults',
    summary: 'Freeze every vault, in an emergency',
    description:
      'From the moment this is answered every request for any key is answered InvalidStateException, on every worker. All ' +
      'vaults are frozen in one transaction, or none. It stands in the trail of the appliance and of each vault, and each ' +
      'vault’s own administrators end it for their vault: the appliance cannot give back the use of anybody’s keys.',
    access: { kind: 'permission', appliance: 'vaults.freeze' },
    body: why,
    answer: z
      .strictObject({
        frozen: z.int().describe('How many vaults were frozen by this.'),
        frozenBefore: z.int().describe('How many had been already.'),
      })
      .meta({ id: 'VaultFreezes' }),
    handle: async ({ services, act, body }) => {
      const { frozen, before } = await freezeAllVaults(services, act, body);
      return { body: { frozen, frozenBefore: before } };
    },
  }),
  route({
    operation: 'freezeVault',
    method: 'POST',
    path: '/vaults/{vaultId}/freeze',
    tag: 'Vaults',
    summary: 'Freeze a vault as a whole',
    description:
      'From the moment this is answered every request for one of its keys is answered InvalidStateException, on every ' +
      'worker; nothing else of its key sets and keys changes. A freeze by the vault’s own administrators is ended by them. ' +
      'One by the appliance has two sides: `frozenSince.vault`, ended by the vault’s administrators alone, and ' +
      '`frozenSince.appliance`, ended by the appliance’s alone; its keys are usable once both are ended.',
    access: ofVault,
    params: inVault,
    body: why,
    answer: shownVault,
    changes: true,
    handle: onVault(freezeVault),
  }),
  route({
    operation: 'thawVault',
    method: 'POST',
    path: '/vaults/{vaultId}/thaw',
    tag: 'Vaults',
    summary: 'Thaw a frozen vault',
    description:
      'Ends the freeze of the caller’s side: `frozenSince.vault` for the vault’s own administrators, ' +
      '`frozenSince.appliance` for those of the appliance. Key sets that are frozen by themselves stay so.',
    access: ofVault,
    params: inVault,
    body: why,
    answer: shownVault,
    changes: true,
    handle: onVault(thawVault),
  }),
  route({
    operation: 'freezeKeySets',
    method: 'POST',
    path: `${keySetPath}/freeze`,
    tag: 'Key sets',
    summary: 'Freeze several key sets at once',
    description:
      'In one transaction: all of them are frozen, or none. From the moment this is answered every request for one of their ' +
      'keys is answered InvalidStateException.',
    access: ofKeySets,
    params: inVault,
    body: several,
    answer: done,
    problems: ['not-found'],
    handle: onKeySets(freezeKeySets),
  }),
  route({
    operation: 'thawKeySets',
    method: 'POST',
    path: `${keySetPath}/thaw`,
    tag: 'Key sets',
    summary: 'Thaw several key sets at once',
    description: 'In one transaction. What their vault is frozen by stays.',
    access: ofKeySets,
    params: inVault,
    body: several,
    answer: done,
    problems: ['not-found'],
    handle: onKeySets(thawKeySets),
  }),
];

/** The side that a vault is frozen and thawed on is the caller's. */
function onVault(change: typeof freezeVault) {
  return async (call: Call<z.output<typeof inVault>, undefined, z.output<typeof why>>) => {
    const { services, act, params, body, expected } = call;
    const side: FreezeSide = callerOf(call).vaultId === '' ? 'appliance' : 'vault';
    return vaultAnswer(
      services,
      await change(services, act, { vaultId: params.vaultId, expected }, side, body),
    );
  };
}

function onKeySets(change: typeof freezeKeySets) {
  return async (call: Call<z.output<typeof inVault>, undefined, z.output<typeof several>>) => {
    const { services, act, params, body } = call;
    const { keySets, changed } = await change(
      services,
      act,
      params.vaultId,
      callerOf(call).sight,
      body.keySets,
    );
    return { body: { keySets, changed } };
  };
}
