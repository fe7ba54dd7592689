import type { Command } from 'commander';
import { ApiClient, type Item } from './api-client.ts';
import { Transport } from './api-transport.ts';
import { CliError } from '../output/cli-error.ts';
import type { OutputOptions } from '../output/output-options.ts';
import { findConnection, isUuid, type ConnectionOptions } from './connection.ts';

/** The global options that commands of the management API have. */
export interface ApiOptions extends ConnectionOptions, OutputOptions {}

/** What a command works with. */
export interface Api {
  client: ApiClient;
  options: ApiOptions;
  /** Undefined in the appliance. */
  vaultId: string | undefined;
  /** Path of something in the vault. Throws CliError where no vault is signed in to. */
  inVault: (path: string) => string;
  /** Path of something that the appliance and vaults have each. */
  here: (path: string) => string;
}

const defaultTimeout = 60;

export function apiOptions(command: Command): ApiOptions {
  return command.optsWithGlobals<ApiOptions>();
}

/** Milliseconds for one exchange. Making a key may wait for a slow token. */
export function timeoutOf({ timeout = defaultTimeout }: ConnectionOptions): number {
  return timeout * 1000;
}

/** Runs a command as whoever is signed in. */
export async function withApi<T>(
  command: Command,
  run: (api: Api) => Promise<T>,
  options = apiOptions(command),
): Promise<T> {
  const { origin, ca, bearer, vaultId } = findConnection(options);
  const transport = new Transport(origin, ca);
  const base = vaultId === undefined ? '' : `/vaults/${vaultId}`;
  try {
    return await run({
      client: new ApiClient(transport, bearer, timeoutOf(options)),
      options,
      vaultId,
      here: (path) => `${base}${path}`,
      inVault: (path) => {
        if (vaultId === undefined)
          throw new CliError(
            'usage',
            'this is done in a vault, and you are signed in to the appliance',
            'holdfast login --vault ID-OR-ADDRESS; programs set HOLDFAST_VAULT',
          );
        return `${base}${path}`;
      },
    });
  } finally {
    transport.close();
  }
}

/** How things of one kind are found. */
export interface Kind {
  /** Such as `key set`. */
  what: string;
  /** Their list, under /api/v1. */
  path: string;
  /** The command that lists them. */
  listedBy: string;
  /** Field that people know them by. */
  by?: string;
  /** Names differ in more than case. */
  anyCase?: boolean;
  /** Query parameter that asks for names beginning so. */
  filter?: string;
}

/** One record, by its id or its name. Throws CliError where there is none, or more than one. */
export async function find(api: Api, kind: Kind, nameOrId: string): Promise<Item & { id: string }> {
  const { what, path, listedBy, by = 'name', anyCase = false, filter } = kind;
  if (isUuid(nameOrId)) return api.client.get(`${path}/${nameOrId.toLowerCase()}`);
  const same = (text: unknown) =>
    anyCase ? String(text).toLowerCase() === nameOrId.toLowerCase() : text === nameOrId;
  const found = (
    await api.client.list<Item & { id: string }>(path, filter === undefined ? {} : { [filter]: nameOrId })
  ).filter((item) => same(item[by]));
  const [first] = found;
  if (first === undefined) throw new CliError('notFound', `there is no such ${what}`, `see: ${listedBy}`);
  if (found.length > 1)
    throw new CliError(
      'conflict',
      `there are ${found.length} of this name`,
      `name it by id: ${found.map(({ id }) => id).join(', ')}`,
    );
  return first;
}

/** The fields of a change that were given. Throws CliError where there are none. */
export function changes(fields: Record<string, unknown>): Record<string, unknown> {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  if (given.length === 0)
    throw new CliError('usage', 'nothing to change', 'add one of the options that --help shows');
  return Object.fromEntries(given);
}

/** Without the fields that were not given, for creates. */
export function given(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
