import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { openingOf } from '../closed-file.ts';
import { hasWildcard, wildcardProblem } from '../confinable-path.ts';
import type { Secret } from '../secret.ts';
import { configSchema, type AdminConfig, type Config, type TlsConfig } from './config.ts';
import { loadTokens, type LoadedToken } from './loaded-token.ts';
import { ConfigError, listIssues, typeWords } from './problem.ts';
import { pinIn } from './pin-text.ts';
import { parseToml } from './toml.ts';

export { membersOf, type LoadedMember, type LoadedToken } from './loaded-token.ts';

/** A configuration with its profiles read and its paths absolute. */
export interface LoadedConfig extends Omit<Config, 'admin' | 'store' | 'token'> {
  file: string;
  store: LoadedStore;
  /** With a store in SQLite its file; else where one would be, and is not. */
  storePath: string;
  workers: number;
  tokens: LoadedToken[];
  admin: LoadedAdmin;
}

/** Where the store is; paths are absolute. */
export type LoadedStore =
  | { kind: 'sqlite'; path: string }
  | {
      kind: 'postgres';
      host: string;
      port: number;
      database: string;
      user: string;
      passwordFile?: string | undefined;
      caFile?: string | undefined;
      serverName?: string | undefined;
      certificateFile?: string | undefined;
      keyFile?: string | undefined;
      durability: 'single' | 'synchronous' | 'storage';
      /** Milliseconds. */
      lease: number;
    };

export interface LoadedAdmin extends AdminConfig {
  /** Its own certificate, or that of `xks.tls`; never with client certificates. */
  tls: TlsConfig;
}

/** Where a node keeps files of its own; who owns them may replace any of these. */
export function nodeDirectories({ node, storePath }: Pick<LoadedConfig, 'node' | 'storePath'>): string[] {
  return [node.state_directory, path.dirname(storePath)];
}

/** For commands that are about the file of a store. Throws ConfigError with a store in a database, with the way out. */
export function assertInFile({ file, store }: Pick<LoadedConfig, 'file' | 'store'>, command: string): void {
  if (store.kind !== 'sqlite')
    throw new ConfigError([
      `${file}: store.kind: ${command} is for a store in a file; remediation: the database’s own backup and restore (docs/fleet.md)`,
    ]);
}

/**
 * Reads, parses and checks the configuration; paths in it are relative to the file. Throws one {@link ConfigError}
 * that lists everything wrong, by name.
 */
export function loadConfig(file: string): LoadedConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new ConfigError([`${file}: cannot be read (${code})`]);
  }
  const result = configSchema.safeParse(parseToml(text, file), { error: typeWords });
  if (!result.success) throw new ConfigError(listIssues(result.error, file));
  return check(result.data, path.resolve(file));
}

// oxlint-disable-next-line complexity, max-lines-per-function -- one check after another
function check(config: Config, file: string): LoadedConfig {
  const problems: string[] = [];
  const resolve = (name: string) => path.resolve(path.dirname(file), name);
  const { profile_directory: profiles } = config.node;
  const ownProfiles = profiles === undefined ? undefined : resolve(profiles);
  const { tokens, problems: ofTokens } = loadTokens(config.token, resolve, ownProfiles);
  problems.push(...ofTokens.map((problem) => `${file}: ${problem}`));
  const { tls } = config.xks;
  if (tls.client_subjects.length > 0 && tls.client_ca === undefined)
    problems.push(`${file}: xks.tls.client_subjects: needs client_ca too`);
  if (tls.client_ca !== undefined && tls.client_subjects.length === 0)
    problems.push(
      `${file}: xks.tls.client_ca: needs client_subjects too, or any certificate of the CA would do`,
    );
  const caProblem = config.aws.ca === undefined ? undefined : problemOfCa(resolve(config.aws.ca));
  if (caProblem !== undefined) problems.push(`${file}: aws.ca: ${caProblem}`);
  const stateDirectory = resolve(config.node.state_directory);
  const named = config.store.kind === 'sqlite' ? config.store.path : undefined;
  const storePath = named === undefined ? path.join(stateDirectory, 'holdfast.db') : resolve(named);
  const store = storeOf(config.store, storePath, resolve);
  problems.push(...problemsOfStore(store).map((problem) => `${file}: ${problem}`));
  for (const [name, where] of [
    ['node.state_directory', stateDirectory],
    ['store.path', storePath],
  ] as const)
    if (hasWildcard(where) && !(name === 'store.path' && named === undefined))
      problems.push(`${file}: ${name}: ${where}: ${wildcardProblem}`);
  if (problems.length > 0) throw new ConfigError(problems);

  const { token: _, ...others } = config;
  return {
    ...others,
    file,
    node: {
      ...config.node,
      state_directory: stateDirectory,
      ...(ownProfiles === undefined ? {} : { profile_directory: ownProfiles }),
    },
    store,
    storePath,
    admin: {
      ...config.admin,
      tls: {
        certificate: resolve((config.admin.tls ?? tls).certificate),
        key: resolve((config.admin.tls ?? tls).key),
        client_subjects: [],
      },
    },
    aws: { ...config.aws, ...(config.aws.ca === undefined ? {} : { ca: resolve(config.aws.ca) }) },
    workers: config.xks.workers ?? Math.min(4, availableParallelism()),
    tokens,
    xks: {
      ...config.xks,
      tls: {
        ...tls,
        certificate: resolve(tls.certificate),
        key: resolve(tls.key),
        ...(tls.client_ca === undefined ? {} : { client_ca: resolve(tls.client_ca) }),
      },
    },
  };
}

function storeOf(store: Config['store'], storePath: string, resolve: (name: string) => string): LoadedStore {
  if (store.kind === 'sqlite') return { kind: 'sqlite', path: storePath };
  const { address, port, database, user, server_name: serverName, durability } = store;
  const file = (name: string | undefined) => (name === undefined ? undefined : resolve(name));
  return {
    kind: 'postgres',
    ...{ host: address, port, database, user, serverName, durability },
    lease: store.lease * 1000,
    passwordFile: file(store.password_file),
    caFile: file(store.ca),
    certificateFile: file(store.client_certificate),
    keyFile: file(store.client_key),
  };
}

function problemsOfStore(store: LoadedStore): string[] {
  if (store.kind === 'sqlite') return [];
  const problems: string[] = [];
  const isSocket = store.host.startsWith('/');
  if (!isSocket && store.host.includes('/'))
    problems.push('store.address: is a host name, an address, or the absolute path of a directory');
  if ((store.certificateFile === undefined) !== (store.keyFile === undefined))
    problems.push('store.client_certificate, store.client_key: one needs the other');
  if (!isSocket && store.passwordFile === undefined && store.certificateFile === undefined)
    problems.push('store: over a network it needs password_file or client_certificate');
  if (isSocket && [store.caFile, store.certificateFile, store.serverName].some((one) => one !== undefined))
    problems.push(
      'store: a UNIX socket has no TLS; ca, server_name and client_certificate are for a network',
    );
  const ca = store.caFile === undefined ? undefined : problemOfCa(store.caFile);
  if (ca !== undefined) problems.push(`store.ca: ${ca}`);
  return [...problems, ...wildcardsOf(store)];
}

function wildcardsOf(store: Exclude<LoadedStore, { kind: 'sqlite' }>): string[] {
  const files = {
    password_file: store.passwordFile,
    ca: store.caFile,
    client_certificate: store.certificateFile,
    client_key: store.keyFile,
  };
  return Object.entries(files).flatMap(([name, file]) =>
    file !== undefined && hasWildcard(file) ? [`store.${name}: ${file}: ${wildcardProblem}`] : [],
  );
}

/** What is wrong with a file of CA certificates: told before anything starts, not at the first request. */
function problemOfCa(file: string): string | undefined {
  let pem: Buffer;
  try {
    pem = readFileSync(file);
  } catch (error) {
    return `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`;
  }
  return hasCertificate(pem) ? undefined : 'has no certificate in PEM form';
}

function hasCertificate(pem: Buffer): boolean {
  try {
    return new X509Certificate(pem).fingerprint256 !== '';
  } catch {
    return false;
  }
}

/** Reads a PIN from its file or systemd credential. Throws ConfigError without the content. */
export function readPinFile(pin: { file: string } | { credential: string }): Secret {
  const name = 'file' in pin ? pin.file : credentialPath(pin.credential);
  try {
    const stat = statSync(name);
    const opening = 'file' in pin ? openingOf(name, stat) : undefined;
    if (opening !== undefined)
      throw new ConfigError([`${name}: the PIN: ${opening.problem}; hint: ${opening.remediation}`]);
    return pinIn(readFileSync(name), name);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError([
      `${name}: the PIN cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`,
    ]);
  }
}

function credentialPath(name: string): string {
  const directory = process.env['CREDENTIALS_DIRECTORY'];
  if (directory === undefined)
    throw new ConfigError([
      `systemd credential ${name}: CREDENTIALS_DIRECTORY is not set; use LoadCredential=${name}:… in the unit`,
    ]);
  return path.join(directory, name);
}
