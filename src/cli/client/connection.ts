import { readFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import path from 'node:path';
import { Secret } from '../../secret.ts';
import { CliError } from '../output/cli-error.ts';
import { readProfile, type Profile } from './profiles.ts';
import { readSecretFile } from './secret-file.ts';

/** What the command line says of where to go and as whom. */
export interface ConnectionOptions {
  profile?: string;
  endpoint?: string;
  ca?: string;
  vault?: string;
  timeout?: number;
}

/** Where a command goes and as whom. */
export interface Connection {
  origin: URL;
  /** Certificate of the CA in PEM; undefined for the machine's own. */
  ca: string | undefined;
  bearer: Secret;
  /** Undefined in the appliance. */
  vaultId: string | undefined;
}

export function profileName({ profile }: ConnectionOptions): string {
  return profile ?? set('HOLDFAST_PROFILE') ?? 'default';
}

/** By option, then environment, then the profile of the last sign-in. Throws CliError where something is missing. */
// oxlint-disable-next-line complexity -- one source after another, in the order in which they win
export function findConnection(options: ConnectionOptions): Connection {
  const keyFile = options.profile === undefined ? set('HOLDFAST_API_KEY_FILE') : undefined;
  // A profile that is named on the command line goes before the environment.
  const asked = readPlace(options, options.profile === undefined);
  if (keyFile !== undefined) {
    if (asked.origin === undefined)
      throw new CliError(
        'usage',
        'HOLDFAST_API_KEY_FILE is set, but not where the management API is',
        'set HOLDFAST_ENDPOINT, or add --endpoint URL',
      );
    return { ...asked, origin: asked.origin, bearer: readSecretFile(keyFile, 'the API key file') };
  }
  const name = profileName(options);
  const profile = readProfile(name);
  const token = profile?.token ?? null;
  if (profile === undefined || token === null)
    throw new CliError(
      'refused',
      `not signed in${name === 'default' ? '' : ` as profile ${name}`}`,
      'holdfast login --endpoint https://HOST:9443; programs set HOLDFAST_API_KEY_FILE and HOLDFAST_ENDPOINT',
    );
  const known = parseEndpoint(profile.endpoint);
  // A session goes to the node that gave it and to nobody else.
  if (asked.origin !== undefined && asked.origin.origin !== known.origin)
    throw new CliError(
      'refused',
      `not signed in to ${asked.origin.host}: the profile ${name} is signed in to ${known.host}`,
      `holdfast login --endpoint ${asked.origin.origin}, with a --profile of its own to keep both`,
    );
  if (profile.vault !== null && asked.vaultId !== undefined && asked.vaultId !== profile.vault)
    throw new CliError(
      'refused',
      `the profile ${name} is signed in to another vault`,
      'holdfast login --vault …, with a --profile of its own to keep both',
    );
  return {
    origin: known,
    ca: asked.ca ?? (profile.ca === null ? undefined : readCa(profile.ca)),
    bearer: new Secret(token),
    vaultId: asked.vaultId ?? profile.vault ?? undefined,
  };
}

/** Where `login` goes: what is not told is as it was. */
export function findSignIn(options: ConnectionOptions & { appliance?: boolean }): {
  origin: URL;
  ca: string | undefined;
  caFile: string | null;
  vaultId: string | undefined;
  before: Profile | undefined;
} {
  const asked = readPlace(options, true);
  const before = readProfile(profileName(options));
  const origin = asked.origin ?? (before === undefined ? undefined : parseEndpoint(before.endpoint));
  if (origin === undefined)
    throw new CliError(
      'usage',
      'where is the management API?',
      'holdfast login --endpoint https://HOST:9443',
    );
  const same = before !== undefined && parseEndpoint(before.endpoint).origin === origin.origin;
  const caFile = asked.caFile ?? (same ? before.ca : null);
  const vaultId =
    options.appliance === true
      ? undefined
      : (asked.vaultId ?? (same && options.endpoint === undefined ? (before.vault ?? undefined) : undefined));
  return { origin, ca: caFile === null ? undefined : readCa(caFile), caFile, vaultId, before };
}

interface Place {
  origin: URL | undefined;
  ca: string | undefined;
  caFile: string | undefined;
  vaultId: string | undefined;
}

/** Of options and environment; a vault's sign-in address says where the API is, too. */
// oxlint-disable-next-line complexity -- one field after another
function readPlace(options: ConnectionOptions, environment: boolean): Place {
  const vault = parseVault(options.vault ?? (environment ? set('HOLDFAST_VAULT') : undefined));
  const endpoint = options.endpoint ?? (environment ? set('HOLDFAST_ENDPOINT') : undefined);
  const origin = endpoint === undefined ? vault?.origin : parseEndpoint(endpoint);
  if (origin !== undefined && vault?.origin !== undefined && vault.origin.origin !== origin.origin)
    throw new CliError('usage', 'the address of the vault is at another host than the endpoint');
  const file = options.ca ?? (environment ? set('HOLDFAST_CA') : undefined);
  const caFile = file === undefined ? undefined : path.resolve(file);
  return {
    origin,
    ca: caFile === undefined ? undefined : readCa(caFile),
    caFile,
    vaultId: vault?.id,
  };
}

/** Throws CliError where it is not an address of HTTPS. */
export function parseEndpoint(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === '')
    throw new CliError('usage', 'the endpoint is not a URL', 'such as https://keys.example.com:9443');
  if (url.protocol !== 'https:')
    throw new CliError(
      'usage',
      'the management API speaks HTTPS only',
      'such as https://keys.example.com:9443',
    );
  if (url.username !== '' || url.password !== '')
    throw new CliError(
      'usage',
      'an endpoint must not contain a username or password',
      'holdfast login --username NAME',
    );
  return new URL(url.origin);
}

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';

export function isUuid(text: string): boolean {
  return new RegExp(`^${uuid}$`, 'i').test(text);
}

/** An id, or an address with one in it: the sign-in address, or the API's. */
function parseVault(text: string | undefined): { id: string; origin?: URL } | undefined {
  if (text === undefined) return undefined;
  if (isUuid(text)) return { id: text.toLowerCase() };
  const found = new RegExp(`/(?:sign-in|vaults)/(${uuid})(?:[/?#]|$)`, 'i').exec(text);
  if (found?.[1] === undefined || !URL.canParse(text))
    throw new CliError(
      'usage',
      'a vault is named by its id or its sign-in address: names are known only to those who are signed in',
      'holdfast vault show, for those who are signed in, shows both; the first email of a new vault has the address',
    );
  return { id: found[1].toLowerCase(), origin: parseEndpoint(text) };
}

/** Throws CliError where the file has no certificate. */
export function readCa(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError(
      'configuration',
      `the CA file ${file}: cannot be read (${(error as NodeJS.ErrnoException).code ?? ''})`,
    );
  }
  try {
    // Node takes a file without certificates for one that trusts nobody.
    void new X509Certificate(text);
  } catch {
    throw new CliError('configuration', `the CA file ${file}: has no certificate in PEM`);
  }
  return text;
}

function set(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}
