import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { openingOf } from '../closed-file.ts';
import { hasWildcard, wildcardProblem } from '../confinable-path.ts';
import type { Secret } from '../secret.ts';
import { configSchema, type AdminConfig, type Config, type TlsConfig, type TokenConfig } from './config.ts';
import { ConfigError, listIssues, typeWords } from './problem.ts';
import { pinIn } from './pin-text.ts';
import { loadProfile, type Profile } from './profile.ts';
import { parseToml } from './toml.ts';

/** A configuration with its profiles read and its paths absolute. */
export interface LoadedConfig extends Omit<Config, 'admin'> {
  file: string;
  storePath: string;
  workers: number;
  tokens: LoadedToken[];
  admin: LoadedAdmin;
}

export interface LoadedAdmin extends AdminConfig {
  /** Its own certificate, or that of `xks.tls`; never with client certificates. */
  tls: TlsConfig;
}

export interface LoadedToken extends TokenConfig {
  moduleProfile: Profile;
}

/** Where a node keeps files of its own; who owns them may replace any of these. */
export function nodeDirectories({ node, storePath }: Pick<LoadedConfig, 'node' | 'storePath'>): string[] {
  return [node.state_directory, path.dirname(storePath)];
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
  const names = new Set<string>();
  const { profile_directory: profiles } = config.node;
  const ownProfiles = profiles === undefined ? undefined : resolve(profiles);
  const tokens: LoadedToken[] = [];
  for (const [index, token] of config.token.entries()) {
    const key = `${file}: token.${index}`;
    if (names.has(token.name)) problems.push(`${key}.name: another token has this name`);
    names.add(token.name);
    if (token.label === undefined && token.serial === undefined)
      problems.push(`${key}: needs label or serial; a token is never chosen by its slot`);
    if (token.kill_after_ms <= token.sick_after_ms)
      problems.push(`${key}.kill_after_ms: must be more than sick_after_ms`);
    try {
      tokens.push({
        ...token,
        pin: resolvePin(token.pin, resolve),
        moduleProfile: loadProfile(token.profile, ownProfiles),
      });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems.map((problem) => `${key}.profile: ${problem}`));
    }
  }
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
  const storePath =
    config.store.path === undefined ? path.join(stateDirectory, 'holdfast.db') : resolve(config.store.path);
  for (const [name, where] of [
    ['node.state_directory', stateDirectory],
    ['store.path', storePath],
  ] as const)
    if (hasWildcard(where) && !(name === 'store.path' && config.store.path === undefined))
      problems.push(`${file}: ${name}: ${where}: ${wildcardProblem}`);
  if (problems.length > 0) throw new ConfigError(problems);

  return {
    ...config,
    file,
    node: {
      ...config.node,
      state_directory: stateDirectory,
      ...(ownProfiles === undefined ? {} : { profile_directory: ownProfiles }),
    },
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

function resolvePin(pin: TokenConfig['pin'], resolve: (name: string) => string): TokenConfig['pin'] {
  return pin !== undefined && 'file' in pin ? { file: resolve(pin.file) } : pin;
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
