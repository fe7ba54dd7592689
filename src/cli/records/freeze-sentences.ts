import { counted } from '../../counted.ts';
import type { Schemas } from '../client/api-types.ts';
import { timeText } from '../output/said.ts';

/* What a freeze or its end has come to, in sentences: what changed nothing is not told as done. */

export type FreezeVerb = 'freeze' | 'thaw';

const refused = 'AWS is answered InvalidStateException from now on';

/** Of several key sets at once. */
export function severalInWords(
  verb: FreezeVerb,
  { keySets, changed }: { keySets: number; changed: number },
): string {
  const before = keySets - changed;
  const all = counted(keySets, 'key set');
  if (verb === 'freeze') {
    if (keySets === 0) return 'there is no key set that you can see: nothing was frozen';
    if (changed === 0)
      return `${keySets === 1 ? 'the one key set was' : `all ${all} were`} already FROZEN: nothing has changed`;
    return `${all} ${are(keySets)} FROZEN: ${refused}${before === 0 ? '' : `; ${before} of them already ${were(before)}`}`;
  }
  if (keySets === 0) return 'there is no key set that you can see: nothing was thawed';
  if (changed === 0)
    return `${keySets === 1 ? 'the one key set was not' : `none of the ${all} was`} frozen: nothing has changed`;
  const others = before === 0 ? '' : `; ${counted(before, 'other')} ${were(before)} not frozen`;
  return `${counted(changed, 'key set')} ${are(changed)} thawed: each key is as it was${others}`;
}

/** Of one, as it is now. `changed`: whether it was otherwise by itself. */
export function keySetInWords(
  keySet: Pick<Schemas['KeySet'], 'name' | 'state' | 'frozenSince'>,
  verb: FreezeVerb,
  changed: boolean,
): string {
  const { name, state, frozenSince } = keySet;
  if (verb === 'freeze')
    return changed ? `${name} is FROZEN: ${refused}` : `${name} was already FROZEN: nothing has changed`;
  if (state === 'FROZEN') {
    const own = changed
      ? `the freeze of ${name} itself is ended`
      : `${name} was not itself frozen: nothing has changed`;
    return `${own}; it stays FROZEN with its vault: ${vaultStays(frozenSince)}`;
  }
  return changed
    ? `${name} is ${state}: each of its keys is as it was`
    : `${name} was not frozen: nothing has changed`;
}

/** Of every vault of the appliance. */
export function vaultsInWords({ frozen, frozenBefore }: { frozen: number; frozenBefore: number }): string {
  const all = frozen + frozenBefore;
  if (all === 0) return 'there is no vault: nothing was frozen';
  const thaw = 'The administrators of each thaw it: holdfast vault thaw';
  if (frozen === 0)
    return `${all === 1 ? 'the one vault was' : `all ${counted(all, 'vault')} were`} already FROZEN: nothing has changed. ${thaw}`;
  const before = frozenBefore === 0 ? '' : `; ${frozenBefore} of them already ${were(frozenBefore)}`;
  return `${counted(all, 'vault')} ${are(all)} FROZEN: ${refused}${before}. ${thaw}`;
}

/** Of one that is frozen now, by this or before: the emergency stop asks nothing first. */
export function frozenVaultInWords({
  name,
  frozenSince: { vault: since },
}: Pick<Schemas['Vault'], 'name' | 'frozenSince'>): string {
  return `${name} is FROZEN${since === null ? '' : ` as of ${timeText(since)}`}: ${refused}`;
}

/** Of one, as it is now. `changed`: whether the caller had a freeze to end. */
export function thawedVaultInWords(
  { name, state, frozenSince }: Pick<Schemas['Vault'], 'name' | 'state' | 'frozenSince'>,
  changed: boolean,
): string {
  if (state === 'FROZEN') {
    const stays = `${name} stays FROZEN: ${vaultStays(frozenSince)}`;
    return changed ? stays : `you hold no freeze of it to end; ${stays}`;
  }
  return changed
    ? `${name} is ACTIVE: each of its keys is as it was, and key sets that are frozen by themselves stay so`
    : `${name} was not frozen: nothing has changed`;
}

/** What still has to be ended, and by whom. */
export function vaultStays({ vault, appliance }: Omit<Schemas['KeySet']['frozenSince'], 'keySet'>): string {
  return [
    ...(vault !== null
      ? [`frozen since ${timeText(vault)}, until an administrator of the vault runs holdfast vault thaw`]
      : []),
    ...(appliance !== null
      ? [
          `held by the appliance since ${timeText(appliance)}, until an administrator of the appliance runs holdfast vault thaw`,
        ]
      : []),
  ].join('; ');
}

function were(count: number): string {
  return count === 1 ? 'was' : 'were';
}

function are(count: number): string {
  return count === 1 ? 'is' : 'are';
}
