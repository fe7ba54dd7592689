import { z } from 'zod';
import { freezeKeySets, thawKeySets } from '../../keys/key-sets/key-set-freezes.ts';
import { freezeAllVaults, freezeVault, thawVault, type FreezeSide } from '../../vault/vault-freezes.ts';
import { vaultId } from './key-forms.ts';
import { callerOf, route, type Call, type Route } from '../route.ts';
import { shownVault, vaultAnswer } from '../vaults.ts';

const ofVault = { kind: 'permission', appliance: 'vaults.freeze', vault: 'vault.freeze' } as const;
const ofKeySets = { kind: 'permission', vault: 'key-sets.write' } as const;
const inVault = z.strictObject({ vaultId });
const keySetPath = '/vaults/{vaultId}/key-sets';

const several = z.strictObject({
  keySets: z
    .union([
      z.literal('all').describe('All that the caller may see.'),
      z.array(z.uuid()).min(1).max(1000).describe('These, by id.'),
    ])
    .describe('Which key sets.'),
});
const done = z
  .strictObject({
    keySets: z.int().describe('Number of key sets requested; all of them are in this state now.'),
    changed: z.int().describe('How many of them were changed by this.'),
  })
  .meta({ id: 'KeySetFreezes' });

/** Those of several things at once, and of vaults as a whole. */
export const freezeRoutes: readonly Route[] = [
  route({
    operation: 'freezeAllVaults',
    takesAway: true,
    despiteLoss: true,
    method: 'POST',
    path: '/vaults/freeze',
    tag: 'Vaults',
    summary: 'Freeze every vault, in an emergency',
    description:
      'From the moment this returns, every request for any key gets InvalidStateException, on every worker. ' +
      'All vaults are frozen in one transaction, or none. It is recorded in the trail of the appliance and of ' +
      'each vault. Each vault’s own administrators thaw their vault: the appliance cannot give back the use of ' +
      'anyone’s keys.',
    access: { kind: 'permission', appliance: 'vaults.freeze' },
    answer: z
      .strictObject({
        frozen: z.int().describe('Number of vaults that this froze.'),
        frozenBefore: z.int().describe('How many were frozen already.'),
      })
      .meta({ id: 'VaultFreezes' }),
    handle: async ({ services, act }) => {
      const { frozen, before } = await freezeAllVaults(services, act);
      return { body: { frozen, frozenBefore: before } };
    },
  }),
  route({
    operation: 'freezeVault',
    takesAway: true,
    despiteLoss: true,
    method: 'POST',
    path: '/vaults/{vaultId}/freeze',
    tag: 'Vaults',
    summary: 'Freeze a vault as a whole',
    description:
      'From the moment this returns, every request for one of its keys gets InvalidStateException, on every ' +
      'worker; nothing else about its key sets and keys changes. A freeze by the vault’s own administrators is ' +
      'ended by them. A freeze by the appliance has two parts: `frozenSince.vault`, which only the vault’s ' +
      'administrators can end, and `frozenSince.appliance`, which only the appliance’s can; the keys are ' +
      'usable once both have ended.',
    access: ofVault,
    params: inVault,
    answer: shownVault,
    changes: true,
    handle: onVault(freezeVault),
  }),
  route({
    operation: 'thawVault',
    takesReason: true,
    method: 'POST',
    path: '/vaults/{vaultId}/thaw',
    tag: 'Vaults',
    summary: 'Thaw a frozen vault',
    description:
      'Ends the caller’s part of the freeze: `frozenSince.vault` for the vault’s own administrators, ' +
      '`frozenSince.appliance` for those of the appliance. Key sets that were frozen individually stay FROZEN.',
    access: ofVault,
    params: inVault,
    answer: shownVault,
    changes: true,
    handle: onVault(thawVault),
  }),
  route({
    operation: 'freezeKeySets',
    takesAway: true,
    despiteLoss: true,
    method: 'POST',
    path: `${keySetPath}/freeze`,
    tag: 'Key sets',
    summary: 'Freeze several key sets at once',
    description:
      'In one transaction: all of them are frozen, or none. From the moment this returns, every request for ' +
      'one of their keys gets InvalidStateException.',
    access: ofKeySets,
    params: inVault,
    body: several,
    answer: done,
    problems: ['not-found'],
    handle: onKeySets(freezeKeySets),
  }),
  route({
    operation: 'thawKeySets',
    takesReason: true,
    method: 'POST',
    path: `${keySetPath}/thaw`,
    tag: 'Key sets',
    summary: 'Thaw several key sets at once',
    description: 'In one transaction. A freeze of their vault stays.',
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
  return async (call: Call<z.output<typeof inVault>, undefined, undefined>) => {
    const { services, act, params, expected } = call;
    const side: FreezeSide = callerOf(call).vaultId === '' ? 'appliance' : 'vault';
    return vaultAnswer(services, await change(services, act, { vaultId: params.vaultId, expected }, side));
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
