import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { monotonicNow } from '../../clock.ts';
import { loadConfig, type LoadedConfig } from '../../config/load.ts';
import { ConfigError } from '../../config/problem.ts';
import type { Ports } from '../../node/supervisor-options.ts';
import { setOwnPassword } from '../../identity/user-access.ts';
import { createVault } from '../../tenancy/vault-creation.ts';
import { Secret } from '../../secret.ts';
import { openStore } from '../../store/opening/open.ts';
import type { NodeLock } from '../../store/sqlite/node-lock.ts';
import { StoreError } from '../../store/store-error.ts';
import { createCloudKey } from '../../keys/cloud-keys.ts';
import { consoleFileText, issueCredential } from '../../keys/credentials/credentials.ts';
import type { VaultContext } from '../../vault/context.ts';
import { createKeySet } from '../../keys/key-sets/key-sets.ts';
import { goOnAsOwnerOf } from './as-owner.ts';
import { init } from './init.ts';
import { localAct, localContext } from './local-context.ts';
import { takeNodeLocks, takeStateLock } from './node-locks.ts';
import { openTokens } from './open-node.ts';
import { probePort } from './port-probe.ts';
import { quickstartGuide } from './quickstart-guide.ts';
import { makeCertificates, makeToken, reserve, tokenLabel, writeSafely } from './quickstart-parts.ts';
import { serve } from './serve.ts';

/*
 * `make up`: from nothing to a proxy that AWS's own conformance client accepts, with a SoftHSM token, a local CA, and
 * a first vault with a key set with keys of every usage. For trying out and for tests; production is installed by hand.
 */

const firstName = 'quickstart';
const tokenName = 'softhsm';

/** `holdfast quickstart`. */
export async function runQuickstart(): Promise<void> {
  process.exitCode = await quickstart(readHome(process.env));
}

interface Home {
  directory: string;
  xksPort: number;
  adminPort: number;
}

function readHome(environment: NodeJS.ProcessEnv): Home {
  const problems: string[] = [];
  const port = (name: string, fallback: number): number => {
    const text = environment[name] ?? '';
    if (text === '') return fallback;
    const number = Number(text);
    if (!/^\d{1,5}$/.test(text) || number > 65535) problems.push(`${name}: is not a port number`);
    return number;
  };
  const home = {
    directory: path.resolve(
      environment['HOLDFAST_HOME'] === undefined || environment['HOLDFAST_HOME'] === ''
        ? '.holdfast'
        : environment['HOLDFAST_HOME'],
    ),
    xksPort: port('HOLDFAST_XKS_PORT', 8443),
    adminPort: port('HOLDFAST_ADMIN_PORT', 9443),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return home;
}

async function quickstart(home: Home): Promise<number> {
  const began = monotonicNow();
  if (existsSync(home.directory)) goOnAsOwnerOf([home.directory]);
  const state = path.join(home.directory, 'state');
  mkdirSync(state, { recursive: true, mode: 0o700 });
  // Nothing below is for a node that runs here already: its files are what somebody works with.
  const stateLock = takeLockOf(home, state);
  chmodSync(home.directory, 0o700);
  const files = path.join(home.directory, 'quickstart');
  mkdirSync(files, { recursive: true, mode: 0o700 });
  await makeToken(home.directory);
  await makeCertificates(home.directory, files);
  const config = writeConfig(home);
  const releaseLocks = takeNodeLocks(config, 'quickstart', stateLock);
  const password = writeAdminFile(home.adminPort, files);
  // Written last: without it the set-up was interrupted, and what is there already is found again.
  const isNew = !existsSync(path.join(files, 'keys.json'));
  if (isNew || !(await isUpToDate(config)))
    await init(config, { username: administrator, password }, () => () => undefined);
  if (isNew) await makeFirstKeys(config, files, password);
  const vault = await firstVault(config);
  const onReady = ({ xks, admin }: Ports) => {
    const took = ((monotonicNow() - began) / 1000).toFixed(1);
    // Where the system chose the port it is known only now.
    if (admin !== undefined) writeAdminFile(admin, files);
    const guide = quickstartGuide({
      xks,
      admin: admin ?? home.adminPort,
      home: home.directory,
      username: administrator,
      aws: config.aws.endpoints.kms,
      vault,
    });
    return ` (https://localhost:${xks}, https://localhost:${admin}), ${took} s\n${guide}`;
  };
  await probePort('xks', '127.0.0.1', home.xksPort, 'HOLDFAST_XKS_PORT');
  await probePort('admin', '127.0.0.1', home.adminPort, 'HOLDFAST_ADMIN_PORT');
  return serve(config, onReady, () => releaseLocks);
}

/** Its configuration is written anew at each start: where it is, and on which ports, is said by the environment. */
function takeLockOf(home: Home, state: string): NodeLock {
  try {
    return takeStateLock(state, configFile(home), 'quickstart');
  } catch (error) {
    if (!(error instanceof StoreError) || error.fault !== 'locked') throw error;
    throw new StoreError(
      error.fault,
      error.message,
      'end that node first, or give this one a home and ports of its own: HOLDFAST_HOME, HOLDFAST_XKS_PORT, HOLDFAST_ADMIN_PORT',
      error,
    );
  }
}

function configFile({ directory }: Home): string {
  return path.join(directory, 'holdfast.toml');
}

/** Whether a start before left a store that needs nothing: then the second start is quick. */
async function isUpToDate(config: LoadedConfig): Promise<boolean> {
  try {
    await (await openStore(config.store)).close();
    return true;
  } catch (error) {
    if (error instanceof StoreError) return false;
    throw error;
  }
}

function writeConfig(home: Home): LoadedConfig {
  const file = configFile(home);
  const text = `# Written by holdfast quickstart (make up), anew at each start: what is yours goes into conf.d/*.toml beside it.
[node]
state_directory = "state"

[xks]
address = "127.0.0.1"
port = ${home.xksPort}
drain_ms = 0

[xks.tls]
certificate = "tls/server.pem"
key = "tls/server-key.pem"

[admin]
address = "127.0.0.1"
port = ${home.adminPort}

[[token]]
name = "${tokenName}"
profile = "softhsm2"
label = "${tokenLabel}"
pin = { file = "pin" }
environment = { SOFTHSM2_CONF = ${JSON.stringify(path.join(home.directory, 'softhsm2.conf'))} }
`;
  writeSafely(file, [text, ...additions(path.join(home.directory, 'conf.d'))].join('\n'));
  return loadConfig(file);
}

/** What somebody adds to the configuration, or the simulator of AWS does, in order of the names of the files. */
function additions(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const names = readdirSync(directory).filter((name) => name.endsWith('.toml'));
  return names
    .toSorted()
    .map((name) => `# conf.d/${name}\n${readFileSync(path.join(directory, name), 'utf8').trimEnd()}\n`);
}

/** Username of the administrator of the appliance and of that of the first vault, with one password for trying out. */
const administrator = 'admin';

async function makeFirstKeys(config: LoadedConfig, files: string, password: Secret): Promise<void> {
  // Before anything is made that nobody could use without them.
  const consoleFile = reserve(path.join(files, 'xks-proxy-config.json'));
  const keysFile = reserve(path.join(files, 'keys.json'));
  try {
    const made = await makeKeys(config, password);
    consoleFile.fill(made.consoleFile);
    keysFile.fill(`${JSON.stringify(made.keys, null, 2)}\n`);
  } finally {
    consoleFile.close();
    keysFile.close();
  }
}

async function makeKeys(
  config: LoadedConfig,
  password: Secret,
): Promise<{ consoleFile: string; keys: Record<string, string> }> {
  const { rooms, close } = await openTokens(config, config.tokens);
  const store = await openStore(config.store);
  try {
    const context = localContext(store, rooms);
    // A set-up that was interrupted: its vault keeps its name, the new one gets another.
    const suffix = randomBytes(6).toString('hex');
    const name = `${firstName}-${suffix}`;
    const vaultId = await makeFirstVault(context, name, password);
    const keySet = await createKeySet(context, localAct('quickstart'), vaultId, 'all', {
      name,
      description: 'Made by make up',
      token: tokenName,
      pathPrefix: name,
    });
    const make = async (keyName: string, encrypt: boolean, decrypt: boolean) => {
      const usage = { encrypt, decrypt };
      const input = { keySetId: keySet.id, name: keyName, usage };
      return (await createCloudKey(context, localAct('quickstart'), vaultId, 'all', input)).external_key_id;
    };
    const keys = {
      encryptDecrypt: await make('encrypt-decrypt', true, true),
      encryptOnly: await make('encrypt-only', true, false),
      decryptOnly: await make('decrypt-only', false, true),
      neither: await make('neither', false, false),
    };
    const { accessKeyId, secret } = await issueCredential(context, localAct('quickstart'), keySet);
    return { consoleFile: consoleFileText(keySet, accessKeyId, secret), keys };
  } finally {
    await store.close();
    await close();
  }
}

/** Id of the vault that was made for trying out; undefined where somebody has deleted it. */
async function firstVault(config: LoadedConfig): Promise<string | undefined> {
  const store = await openStore(config.store);
  try {
    const vault = await store.db
      .selectFrom('vaults')
      .select('id')
      .where('name', 'like', `${firstName}-%`)
      .orderBy('created_at')
      .executeTakeFirst();
    return vault?.id;
  } finally {
    await store.close();
  }
}

async function makeFirstVault(context: VaultContext, name: string, password: Secret): Promise<string> {
  const site = { ...context, signInUrl: () => '' };
  const act = localAct('quickstart');
  const { vault, administrator: user } = await createVault(site, act, {
    name,
    description: 'Made by make up',
    administrator: { username: administrator, name: 'Administrator', email: 'admin@localhost.example' },
  });
  await setOwnPassword(context, act, user, password);
  return vault.id;
}

/** Where and as whom the management API is reached; the password is made once and kept. */
function writeAdminFile(port: number, files: string): Secret {
  const file = path.join(files, 'admin.json');
  const password = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { password: string }).password
    : randomBytes(18).toString('base64url');
  const admin = { endpoint: `https://localhost:${port}`, username: administrator, password };
  writeSafely(file, `${JSON.stringify(admin, null, 2)}\n`);
  // The same for --password-file: nobody has to make a file of it somewhere else.
  writeSafely(path.join(files, 'admin.password'), `${password}\n`);
  return new Secret(password);
}
