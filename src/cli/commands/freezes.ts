import type { Command } from 'commander';
import { counted } from '../../counted.ts';
import { at, behind, one } from '../client/address.ts';
import type { Schemas } from '../client/api-types.ts';
import { withApi, type Api } from '../client/api.ts';
import { CliError } from '../output/cli-error.ts';
import { findOne, type Collection } from '../records/collection.ts';
import { example } from '../output/example.ts';
import { exitCodes } from '../output/exit-codes.ts';
import {
  frozenVaultInWords,
  keySetInWords,
  severalInWords,
  thawedVaultInWords,
  vaultsInWords,
  vaultStays,
} from '../records/freeze-sentences.ts';
import { printDone } from '../output/output.ts';
import { confirm } from '../client/prompt.ts';
import { printable } from '../output/printable.ts';
import { note } from '../output/streams.ts';
import { reasonIn, reasonOption, yesOption, type Reasoned } from '../output/values.ts';

/*
 * The emergency stop and its end. A freeze asks nobody who can end it again; what gives back the use of keys says of which
 * before it does so. Several things are one act at the server: all of them, or none.
 */

type KeySet = Schemas['KeySet'];

interface Several extends Reasoned {
  all?: boolean;
  yes?: boolean;
}

export function addKeySetFreezes(parent: Command, keySets: Collection<'/vaults/{vaultId}/key-sets'>): void {
  example(
    parent
      .command('freeze [key-sets...]')
      .description(
        'freeze key sets, by name or id: none of their keys can be used; if one is not found, none is frozen',
      )
      .option('--all', 'all key sets that you may see')
      .addOption(reasonOption())
      .action(async (names: string[], input: Several, command: Command) =>
        withApi(command, async (api) => {
          const found = await chosen(api, keySets, names, input, 'frozen');
          await act(api, keySets, { verb: 'freeze', found, input });
        }),
      ),
    'holdfast key-set freeze payments',
    'holdfast key-set freeze --all',
  );
  example(
    parent
      .command('thaw [key-sets...]')
      .description('thaw key sets, by name or id: each key is as it was before')
      .option('--all', 'all key sets that you may see')
      .addOption(reasonOption())
      .addOption(yesOption())
      .action(async (names: string[], input: Several, command: Command) =>
        withApi(command, async (api) => {
          const found = await chosen(api, keySets, names, input, 'thawed');
          const affected = (found ?? (await api.client.list(keySets.path(api)))).filter(
            ({ state }) => state === 'FROZEN',
          );
          await tellUsable(affected.map(inWords), input, found?.length !== 1);
          await act(api, keySets, { verb: 'thaw', found, input });
        }),
      ),
    'holdfast key-set thaw payments',
  );
}

/** Undefined for all. */
async function chosen(
  api: Api,
  keySets: Collection<'/vaults/{vaultId}/key-sets'>,
  names: readonly string[],
  { all }: Several,
  done: string,
): Promise<KeySet[] | undefined> {
  if ((all === true) === names.length > 0)
    throw new CliError('usage', 'which key sets?', 'name them, or add --all; see holdfast key-set list');
  if (all === true) return undefined;
  const found: KeySet[] = [];
  const missing: string[] = [];
  for (const name of names)
    try {
      found.push(await findOne(api, keySets, name));
    } catch (error) {
      if (!(error instanceof CliError) || error.exitCode !== exitCodes.notFound) throw error;
      missing.push(name);
    }
  if (missing.length > 0)
    throw new CliError(
      'notFound',
      `there is no key set ${missing.join(', ')}; nothing was ${done}`,
      'see: holdfast key-set list',
    );
  return found;
}

async function act(
  api: Api,
  keySets: Collection<'/vaults/{vaultId}/key-sets'>,
  { verb, found, input }: { verb: 'freeze' | 'thaw'; found: readonly KeySet[] | undefined; input: Reasoned },
): Promise<void> {
  const list = keySets.path(api);
  const all = verb === 'freeze' ? behind(list, '/freeze') : behind(list, '/thaw');
  const which = found?.map(({ id }) => id) ?? 'all';
  const done = await api.client.post(all, { keySets: which, ...reasonIn(input) });
  const [only] = found ?? [];
  if (found?.length !== 1 || only === undefined) {
    const held = verb === 'thaw' && done.keySets > 0 ? await heldByVault(api) : undefined;
    printDone(`${severalInWords(verb, done)}${held === undefined ? '' : `. ${held}`}`, done, api.options);
    return;
  }
  const now = await api.client.get(one(list, only.id));
  printDone(keySetInWords(now, verb, done.changed > 0), now, api.options);
}

/** Key sets that are thawed by themselves serve nothing while their vault is frozen. */
async function heldByVault(api: Api): Promise<string | undefined> {
  const vault = await api.client.get(one(at('/vaults'), api.vaultId ?? ''));
  return vault.state === 'FROZEN'
    ? `All stay FROZEN with the vault: ${vaultStays(vault.frozenSince)}`
    : undefined;
}

export function addVaultFreezes(parent: Command, vaults: Collection<'/vaults'>): void {
  example(
    parent
      .command('freeze [vault]')
      .description(
        'freeze a vault, your own if omitted: none of its keys can be used; appliance administrators can freeze ' +
          'any, or all',
      )
      .option('--all', 'every vault of the appliance; each is thawed by its own administrators')
      .addOption(reasonOption())
      .addOption(yesOption())
      .action(async (name: string | undefined, input: Several, command: Command) =>
        withApi(command, async (api) => {
          if (input.all === true) await freezeAll(api, name, input);
          else await freezeOne(api, vaults, name, input);
        }),
      ),
    'holdfast vault freeze --reason INC-4711',
    'holdfast vault freeze --all',
  );
  example(
    parent
      .command('thaw [vault]')
      .description('thaw a vault, your own if omitted; the appliance ends only its own part of a freeze')
      .addOption(reasonOption())
      .addOption(yesOption())
      .action(async (name: string | undefined, input: Several, command: Command) =>
        withApi(command, async (api) => {
          const { id } = await vaultOf(api, vaults, name);
          await tellUsable(await usableWith(api, id), input, true);
          const vault = one(at('/vaults'), id);
          const { after, changed } = await api.client.act(vault, '/thaw', reasonIn(input) ?? {});
          printDone(thawedVaultInWords(after, changed), after, api.options);
        }),
      ),
    'holdfast vault thaw',
  );
}

async function freezeAll(api: Api, name: string | undefined, input: Several): Promise<void> {
  if (name !== undefined) throw new CliError('usage', 'a vault, or --all: not both');
  await confirm(
    'Freeze every vault? Nobody’s keys can be used until the administrators of each vault thaw it; the appliance cannot.',
    input.yes,
  );
  const done = await api.client.post(at('/vaults/freeze'), reasonIn(input) ?? {});
  printDone(vaultsInWords(done), done, api.options);
}

async function freezeOne(
  api: Api,
  vaults: Collection<'/vaults'>,
  name: string | undefined,
  input: Several,
): Promise<void> {
  const vault = await vaultOf(api, vaults, name);
  if (api.vaultId === undefined)
    await confirm(
      `Freeze the vault ${name ?? vault.id}? Its keys can be used again when both you and its own administrators have thawed it.`,
      input.yes,
    );
  // Whatever else is changed of it meanwhile.
  const freeze = at('/vaults/{vaultId}/freeze', { vaultId: vault.id });
  const now = await api.client.send('POST', freeze, { body: reasonIn(input) ?? {}, etag: '*' });
  printDone(frozenVaultInWords(now), now, api.options);
}

async function vaultOf(
  api: Api,
  vaults: Collection<'/vaults'>,
  name: string | undefined,
): Promise<{ id: string }> {
  if (name === undefined && api.vaultId === undefined)
    throw new CliError('usage', 'which vault?', 'name it, or add --all; see holdfast vault list');
  return name === undefined || name === api.vaultId ? { id: api.vaultId ?? '' } : findOne(api, vaults, name);
}

/** For who sees them: users of the appliance do not. */
async function usableWith(api: Api, vaultId: string): Promise<string[]> {
  if (api.vaultId === undefined) {
    const { name, keySets, cloudKeys } = await api.client.get(one(at('/vaults'), vaultId));
    return [`${name}: ${counted(keySets, 'key set')}, ${counted(cloudKeys, 'CloudKey')}`];
  }
  const keySets = await api.client.list(api.inVault('/key-sets'));
  return keySets.filter(({ frozenSince }) => frozenSince.keySet === null).map(inWords);
}

function inWords({ name, cloudKeys }: KeySet): string {
  return `${name}: ${counted(cloudKeys, 'CloudKey')}`;
}

const shownAtMost = 15;

/** Says what becomes usable again, and asks where somebody is there to answer. */
async function tellUsable(lines: readonly string[], { yes }: Several, asks: boolean): Promise<void> {
  if (!process.stdin.isTTY) return;
  note('usable again, each key as its own state has it:');
  for (const line of lines.slice(0, shownAtMost)) note(printable(`  ${line}`));
  if (lines.length > shownAtMost) note(`  and ${lines.length - shownAtMost} more`);
  if (lines.length === 0) note('  nothing');
  if (asks) await confirm('Thaw?', yes);
}
