import { Option, type Command } from 'commander';
import { behind, one, type Address, type BodyOf, type QueryOf } from '../../client/address.ts';
import type { Schemas } from '../../client/api-types.ts';
import { isUuid } from '../../client/connection.ts';
import { withApi, type Api } from '../../client/api.ts';
import { CliError } from '../../output/cli-error.ts';
import { findOne } from '../../records/collection.ts';
import { example } from '../../output/example.ts';
import { keySets } from '../key-set.ts';
import { printChanged, type Columns, isForPrograms, printRecord } from '../../output/output.ts';
import { said, textOf } from '../../output/said.ts';
import { printable } from '../../output/printable.ts';
import type { OrNull } from '../../output/values.ts';
import { note } from '../../output/streams.ts';
import { counted } from '../../../counted.ts';

export type ExternalKeyStore = Schemas['ExternalKeyStore'];
type ListPath = '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores';
export type StoreAddress = Address<`${ListPath}/{externalKeyStoreId}`>;

export const columns: Columns<ExternalKeyStore> = {
  name: ({ name }) => name,
  Region: ({ region }) => region,
  state: ({ state, wanted }) => (wanted === null ? state : `${state}, ${String(said('wanted', wanted))}`),
  error: ({ connectionError }) => connectionError?.code,
  'key set': ({ keySetName }) => keySetName,
  'id in AWS': ({ customKeyStoreId }) => customKeyStoreId,
  endpoint: ({ uriEndpoint }) => uriEndpoint,
  checked: ({ checkedAt }) => checkedAt,
  id: ({ id }) => id,
};

function keySetOption(): Option {
  return new Option('--key-set <key-set>', 'the key set, if the name is not unique');
}

function regionOption(): Option {
  return new Option('--region <region>', 'the Region, if the name is not unique');
}

/** The list of external key stores of a key set. */
export async function storesIn(api: Api, keySet: string): Promise<Address<ListPath>> {
  return behind(one(keySets.path(api), (await findOne(api, keySets, keySet)).id), '/external-key-stores');
}

export function storeAt(api: Api, { id, keySetId }: Pick<ExternalKeyStore, 'id' | 'keySetId'>): StoreAddress {
  return one(behind(one(keySets.path(api), keySetId), '/external-key-stores'), id);
}

type Filter = QueryOf<'/vaults/{vaultId}/external-key-stores', 'GET'>;

/** Those of a key set, or of all that are seen. */
export async function storesOf(
  api: Api,
  keySet: string | undefined,
  filter: Filter = {},
  limit?: number,
): Promise<ExternalKeyStore[]> {
  return keySet === undefined
    ? api.client.list(api.inVault('/external-key-stores'), filter, limit)
    : api.client.list(await storesIn(api, keySet), undefined, limit);
}

interface Found {
  record: StoreAddress;
  store: ExternalKeyStore;
}

/** Those that may be meant: by name, and where it may be an id by that. */
async function storesCalled(api: Api, name: string, keySet: string | undefined, filter: Filter) {
  // A key set has one for each Region: there is nothing to choose from.
  if (keySet !== undefined) return storesOf(api, keySet);
  const asked = isUuid(name) || /^cks-/i.test(name) ? [{ name }, { id: name }] : [{ name }];
  const found = await Promise.all(
    asked.map(async (called) => storesOf(api, undefined, { ...called, ...filter })),
  );
  return [...new Map(found.flat().map((store) => [store.id, store])).values()];
}

/** One by its name, id, or id in AWS. Throws CliError where there is none, or more than one. */
async function findStore(
  api: Api,
  name: string,
  { keySet, region }: { keySet?: string; region?: string },
): Promise<ExternalKeyStore> {
  const found = (await storesCalled(api, name, keySet, { region })).filter(
    (store) =>
      (region === undefined || store.region === region) &&
      (store.id === name.toLowerCase() || store.customKeyStoreId === name || store.name === name),
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
      `add --region or --key-set, or name it by id: ${found.map(({ id }) => id).join(', ')}`,
    );
  return first;
}

/** What a person has seen in AWS. */
type ByHand = BodyOf<`${ListPath}/{externalKeyStoreId}`, 'PATCH'>;

/** What the commands on one external key store are told. */
export interface ActInput extends ReachInput {
  keySet?: string;
  region?: string;
  wait?: boolean;
  yes?: boolean;
  restorePath?: boolean;
  disconnect?: boolean;
  forget?: boolean;
  reason?: string;
  customKeyStoreId?: string;
  state?: ByHand['state'];
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
  connectivity?: ExternalKeyStore['connectivity'];
  vpcEndpointService?: string;
  vpcEndpointServiceOwner?: string;
}

/** A command on one external key store, by its name, id, or id in AWS. */
// oxlint-disable-next-line max-params -- a command’s parts, in the order in which it shows them
export function addAct(
  parent: Command,
  verb: string,
  description: string,
  act: (api: Api, found: Found, input: ActInput) => Promise<void> | void,
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
    withApi(command, async (api) => {
      const store = await findStore(api, name, input);
      return act(api, { record: storeAt(api, store), store }, input);
    }),
  );
  example(command, `holdfast external-key-store ${verb} payments${more}`);
}

/** Prints one: for people with what does not fit and why it FAILED last, where it is seen. */
export function tellStore({ options }: Pick<Api, 'options'>, store: ExternalKeyStore): void {
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
  store: ExternalKeyStore,
  sentence = stateNow(store),
): void {
  printChanged(sentence, isForPrograms(options) ? store : forPeople(store), options);
  if (!isForPrograms(options)) for (const line of troubleOf(store)) note(printable(line));
}

/** With the name of its key set in the place of the id, and without what {@link troubleOf} says in sentences. */
function forPeople(store: ExternalKeyStore): object {
  const { connectionError: _, problem: __, warnings: ___, lastKnownState, ...rest } = store;
  const { id, keySetId: ____, keySetName: keySet, ...others } = rest;
  return {
    id,
    keySet,
    ...others,
    ...(lastKnownState === rest.state ? {} : { 'last known state': lastKnownState }),
  };
}

/** `payments (eu-central-1) is CONNECTED, cks-1234567890abcdef0 in AWS.` */
function stateNow({ name, region, state, wanted, customKeyStoreId, origin }: ExternalKeyStore): string {
  const inAws = customKeyStoreId === null ? 'its id in AWS is not known yet' : `${customKeyStoreId} in AWS`;
  const open =
    wanted !== null
      ? `; ${textOf(wanted, 'wanted')}${origin === 'MANUAL' ? ', manually' : ', which continues automatically'}`
      : '';
  return `External key store ${name} (${region}) is ${state}, ${inAws}${open}.`;
}

/** What is wrong with it, with meaning and way out. */
function troubleOf({ connectionError: error, problem, warnings }: ExternalKeyStore): string[] {
  const lines: string[] = [];
  if (error !== null)
    lines.push(
      `FAILED with ${error.code}: ${error.meaning}`,
      `  likely: ${error.cause}`,
      `  hint: ${error.remediation}`,
      `  see: ${error.source}`,
    );
  for (const { message, remediation } of [...(problem === null ? [] : [problem]), ...warnings]) {
    lines.push(`problem: ${message}`);
    if (remediation !== '') lines.push(`  hint: ${remediation}`);
  }
  return lines;
}
