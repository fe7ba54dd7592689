import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { accessSync, constants, existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { nodeFlags } from '../src/node-process.ts';
import { loadProfile } from '../src/config/profile.ts';
import type { TokenInitialization } from './tokens-init.ts';
import { borrowSoftToken } from './tokens-opencryptoki.ts';

export interface TokenFixture {
  readonly profile: 'softhsm2' | 'nss-softokn' | 'opencryptoki';
  /** Token label to choose it by. */
  readonly label: string;
  readonly pin: string;
  /** 0600 file that holds the PIN. */
  readonly pinFile: string;
  /** Variables the token host must have in its environment before it loads the module. */
  readonly environment: Record<string, string>;
  /** Library parameters for C_Initialize, where this token needs its own (NSS). */
  readonly initializeParameters?: string;
  /** Path of the module. */
  readonly module: string;
  /** Directory of everything, removed by dispose(). */
  readonly directory: string;
  /** Removes the token and what was started for it. May be called twice. */
  dispose(): Promise<void>;
}

export interface TokenOptions {
  /** At most 32 characters. Unique unless given. */
  label?: string;
  /** 4 to 8 characters, the range that all three tokens take. Random digits unless given. */
  pin?: string;
}

/** A SoftHSM token in a directory of its own, chosen by `SOFTHSM2_CONF`. */
export function createSoftHsmToken(options: TokenOptions = {}): Promise<TokenFixture> {
  return createToken('softhsm2', options, async (token) => {
    const tokens = path.join(token.directory, 'tokens');
    await mkdir(tokens, { mode: 0o700 });
    const configuration = path.join(token.directory, 'softhsm2.conf');
    await writeFile(
      configuration,
      `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n`,
    );
    token.environment['SOFTHSM2_CONF'] = configuration;
    const argv = ['--init-token', '--free', '--label', token.label, '--pin', token.pin, '--so-pin', newPin()];
    await promisify(execFile)('softhsm2-util', argv, { env: { ...process.env, ...token.environment } });
  });
}

/** An NSS database of its own. NSS takes the label from the library parameters and keeps none itself. */
export function createNssToken(options: TokenOptions = {}): Promise<TokenFixture> {
  return createToken('nss-softokn', options, async (token) => {
    const database = path.join(token.directory, 'db');
    await mkdir(database, { mode: 0o700 });
    token.initializeParameters =
      `configdir='sql:${database}' certPrefix='' keyPrefix='' secmod='' flags= ` +
      `dbTokenDescription='${token.label}'`;
    await initialize(token);
  });
}

/**
 * The soft token of opencryptoki, emptied. A machine has only one: this waits until every other fixture of it is
 * disposed, in this process too, so never hold two at once.
 */
export function createOpencryptokiToken(options: TokenOptions = {}): Promise<TokenFixture> {
  return createToken('opencryptoki', options, async (token) => {
    token.cleanUp.push(await borrowSoftToken(token.directory));
    await initialize(token);
  });
}

/**
 * All tokens of the tests, so that one suite can loop over them. `aesGcm` is false for opencryptoki because the soft
 * token of Debian 12's version, 3.8.1, lacks the mechanism (observed); it serves the tests of login and of keys.
 */
export const tokenKinds = [
  { profile: 'softhsm2', aesGcm: true, create: createSoftHsmToken },
  { profile: 'nss-softokn', aesGcm: true, create: createNssToken },
  { profile: 'opencryptoki', aesGcm: false, create: createOpencryptokiToken },
] as const satisfies readonly {
  profile: TokenFixture['profile'];
  aesGcm: boolean;
  create: (options?: TokenOptions) => Promise<TokenFixture>;
}[];

interface TokenDraft {
  readonly profile: TokenFixture['profile'];
  readonly label: string;
  readonly pin: string;
  readonly module: string;
  readonly directory: string;
  readonly environment: Record<string, string>;
  initializeParameters?: string;
  /** Undone last to first by dispose(). */
  readonly cleanUp: (() => Promise<void>)[];
}

async function createToken(
  profile: TokenFixture['profile'],
  options: TokenOptions,
  setUp: (draft: TokenDraft) => Promise<void>,
): Promise<TokenFixture> {
  const module = installedModule(profile);
  const directory = await mkdtemp(path.join(fastDirectory(), `holdfast-${profile}-`));
  const draft: TokenDraft = {
    profile,
    label: options.label ?? `holdfast ${randomBytes(6).toString('hex')}`,
    pin: options.pin ?? newPin(),
    module,
    directory,
    environment: {},
    cleanUp: [() => rm(directory, { recursive: true, force: true })],
  };
  const dispose = async (): Promise<void> => {
    for (let undo = draft.cleanUp.pop(); undo; undo = draft.cleanUp.pop()) await undo();
  };
  try {
    await chmod(directory, 0o700);
    const pinFile = path.join(directory, 'pin');
    await writeFile(pinFile, draft.pin, { mode: 0o600 });
    await setUp(draft);
    const { cleanUp: _, ...token } = draft;
    return { ...token, pinFile, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Initialises in a process of its own: C code reads the environment that its process started with. */
async function initialize(token: TokenDraft): Promise<void> {
  const request: TokenInitialization = {
    module: token.module,
    label: token.label,
    pin: token.pin,
    securityOfficerPin: newPin(),
    ...(token.initializeParameters !== undefined && { initializeParameters: token.initializeParameters }),
  };
  const script = path.join(import.meta.dirname, 'tokens-init.ts');
  const child = spawn(process.execPath, [...nodeFlags, script, token.profile], {
    env: { ...process.env, ...token.environment },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let violation = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (violation += text));
  child.stdin.on('error', () => {}).end(JSON.stringify(request)); // EPIPE: the exit code tells more
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0)
    throw new Error(`initialising the ${token.profile} token failed (${String(code)}): ${violation}`);
}

function installedModule(profile: TokenFixture['profile']): string {
  const { modules } = loadProfile(profile);
  const found = modules.find((file) => existsSync(file));
  if (found === undefined) throw new Error(`no ${profile} module is installed at ${modules.join(', ')}`);
  return found;
}

function newPin(): string {
  return String(randomInt(10_000_000, 100_000_000));
}

function fastDirectory(): string {
  try {
    accessSync('/dev/shm', constants.W_OK | constants.X_OK);
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
}
