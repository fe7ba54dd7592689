import { Option, type Command } from 'commander';
import type { Item, Query } from '../../client/api-client.ts';
import { isUuid } from '../../client/connection.ts';
import { withApi, type Api } from '../../client/api.ts';
import { CliError } from '../../output/cli-error.ts';
import { findOne, type Found } from '../../records/collection.ts';
import { example } from '../../output/example.ts';
import { keySets } from '../key-set.ts';
import { printChanged, type Columns, isForPrograms, printRecord } from '../../output/output.ts';
import { said, textOf } from '../../output/said.ts';
import { printable } from '../../output/printable.ts';
import type { OrNull } from '../../output/values.ts';
import { note } from '../../output/streams.ts';
import { counted } from '../../../counted.ts';

/** An external key store as the API shows it. */
export type FoundStore = Found;

export const columns: Columns<Item> = {
  name: ({ name }) => name,
  Region: ({ region }) => region,
  state: ({ state, wanted }) =>
    typeof wanted === 'string' ? `${String(state)}, ${String(said('wanted', wanted))}` : state,
  error: ({ connectionError }) => (connectionError as Item | null)?.['code'],
  'key set': ({ keySet }) => keySet,
  'id in AWS': ({ customKeyStoreId }) => customKeyStoreId,
  endpoint: ({ uriEndpoint }) => uriEndpoint,
  checked: ({ checkedAt }) => checkedAt,
  id: ({ id }) => id,
};

function keySetOption(): Option {
  return new Option('--key-set <key-set>', 'the key set, where the name is not unique');
}

function regionOption(): Option {
  return new Option('--region <region>', 'the Region, where the name is not unique');
}

/** The list of external key stores of a key set. */
export async function keySetOf(api: Api, keySet: string): Promise<{ id: string; path: string }> {
  const { id } = await findOne(api, keySets, keySet);
  return { id, path: `${keySets.path(api)}/${id}/external-key-stores` };
}

/** Those of a key set, or of all that are seen, with the name of their key set. */
export async function storesOf(
  api: Api,
  keySet: string | undefined,
  filter: Query = {},
  limit?: number,
): Promise<FoundWithPath[]> {
  const list =
    keySet === undefined ? api.inVault('/external-key-stores') : (await keySetOf(api, keySet)).path;
  return (await api.client.list<FoundStore>(list, filter, limit)).map(({ keySetName, ...store }) => ({
    path: `${keySets.path(api)}/${String(store['keySetId'])}/external-key-stores/${store.id}`,
    store: { ...store, keySet: keySetName },
  }));
}

interface FoundWithPath {
  path: string;
  store: FoundStore;
}

/** Those that may be meant: by name, and where it may be an id by that. */
async function storesCalled(api: Api, name: string, keySet: string | undefined, filter: Query) {
  // A key set has one for each Region: there is nothing to choose from.
  if (keySet !== undefined) return storesOf(api, keySet, filter);
  const asked = isUuid(name) || /^cks-/i.test(name) ? [{ name }, { id: name }] : [{ name }];
  const found = await Promise.all(
    asked.map(async (called) => storesOf(api, undefined, { ...called, ...filter })),
  );
  return [...new Map(found.flat().map((one) => [one.store.id, one])).values()];
}

/** One by its name, id, or id in AWS. Throws CliError where there is none, or more than one. */
async function findStore(
  api: Api,
  name: string,
  { keySet, region }: { keySet?: string; region?: string },
): Promise<FoundWithPath> {
  const found = (await storesCalled(api, name, keySet, { region })).filter(
    ({ store }) =>
      store.id === name.toLowerCase() || store['customKeyStoreId'] === name || store['name'] === name,
  );
  const [first] = found;
  if (first === undefined)
    throw new CliError(
      'notFound',
      'there is no such external key store',
      'see: holdfast external-key-store list',
    );
  if (found.length > 1)
    throw new CliError(
      'conflict',
      `there are ${counted(found.length, 'external key store')} of this name`,
      `add --region or --key-set, or name it by id: ${found.map(({ store }) => store.id).join(', ')}`,
    );
  return first;
}

/** What the commands on one external key store are told. */
export interface ActInput extends ReachInput {
  keySet?: string;
  region?: string;
  wait?: boolean;
  yes?: boolean;
  restorePath?: boolean;
  disconnect?: boolean;
  forget?: boolean;
  customKeyStoreId?: string;
  state?: string;
  connectionError?: string;
  retireAfterQuiet?: OrNull<number>;
  done?: boolean;
  credential?: boolean;
  consoleFile?: string;
  requestFile?: string;
}

export interface ReachInput {
  name?: string;
  uriEndpoint?: string;
  connectivity?: string;
  vpcEndpointService?: string;
  vpcEndpointServiceOwner?: string;
}

/** A command on one external key store, by its name, id, or id in AWS. */
// oxlint-disable-next-line max-params -- a command’s parts, in the order in which it shows them
export function addAct(
  parent: Command,
  verb: string,
  description: string,
  act: (api: Api, found: FoundWithPath, input: ActInput) => Promise<void> | void,
  options: Option[] = [],
  more = '',
): void {
  const command = parent
    .command(`${verb} <external-key-store>`)
    .description(description)
    .addOption(keySetOption())
    .addOption(regionOption());
  for (const option of options) command.addOption(option);
  command.action(async (name: string, input: ActInput, command: Command) =>
    withApi(command, async (api) => act(api, await findStore(api, name, input), input)),
  );
  example(command, `holdfast external-key-store ${verb} payments${more}`);
}

/** Prints one: for people with what does not fit and why it FAILED last, where it is seen. */
export function tellStore({ options }: Pick<Api, 'options'>, store: Item): void {
  if (isForPrograms(options)) {
    printRecord(store, options);
    return;
  }
  printRecord(forPeople(store), options);
  for (const line of troubleOf(store)) note(printable(line));
}

/** Prints what an act has changed. */
export function tellStoreChange(
  { options }: Pick<Api, 'options'>,
  store: Item,
  sentence = stateNow(store),
): void {
  printChanged(sentence, isForPrograms(options) ? store : forPeople(store), options);
  if (!isForPrograms(options)) for (const line of troubleOf(store)) note(printable(line));
}

/** With the name of its key set in the place of the id, and without what {@link troubleOf} says in sentences. */
function forPeople(store: Item): Item {
  const { connectionError: _, problem: __, warnings: ___, lastKnownState, ...rest } = store;
  const { id, keySetId: ____, keySetName: keySet, ...others } = rest;
  return {
    id,
    keySet,
    ...others,
    ...(lastKnownState === rest['state'] ? {} : { 'last known state': lastKnownState }),
  };
}

/** `payments (eu-central-1) is CONNECTED, cks-1234567890abcdef0 in AWS.` */
function stateNow({ name, region, state, wanted, customKeyStoreId, origin }: Item): string {
  const inAws =
    typeof customKeyStoreId === 'string' && customKeyStoreId !== ''
      ? `${customKeyStoreId} in AWS`
      : 'its id in AWS is not known yet';
  const open =
    typeof wanted === 'string'
      ? `; ${textOf(wanted, 'wanted')}${origin === 'MANUAL' ? ', by hand' : ', which goes on by itself'}`
      : '';
  return `External key store ${String(name)} (${String(region)}) is ${String(state)}, ${inAws}${open}.`;
}

/** What is wrong with it, with meaning and way out. */
export function troubleOf({ connectionError, problem, warnings }: Item): string[] {
  const error = connectionError as ConnectionError | null | undefined;
  const last = problem as { message: string; remediation: string } | null | undefined;
  const others = (warnings ?? []) as { message: string; remediation: string }[];
  const lines: string[] = [];
  if (error !== null && error !== undefined)
    lines.push(
      `FAILED with ${error.code}: ${error.meaning}`,
      `  likely: ${error.cause}`,
      `  hint: ${error.remediation}`,
      `  see: ${error.source}`,
    );
  for (const { message, remediation } of [
    ...(last === null || last === undefined ? [] : [last]),
    ...others,
  ]) {
    lines.push(`problem: ${message}`);
    if (remediation !== '') lines.push(`  hint: ${remediation}`);
  }
  return lines;
}

export interface ConnectionError {
  code: string;
  meaning: string;
  cause: string;
  remediation: string;
  source: string;
}
