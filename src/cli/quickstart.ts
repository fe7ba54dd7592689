import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { loadConfig, type LoadedConfig } from '../config/load.ts';
import { ConfigError } from '../config/problem.ts';
import { SqliteStore } from '../store/sqlite.ts';
import { createCloudKey } from '../vault/cloud-keys.ts';
import { consoleFile, issueCredential } from '../vault/credentials.ts';
import { createKeySet } from '../vault/key-sets.ts';
import { init } from './init.ts';
import { openTokens } from './open-node.ts';
import { serve } from './serve.ts';

const run = promisify(execFile);

/*
 * `make up`: from nothing to a proxy that AWS's own conformance client accepts, with a SoftHSM token, a local CA, and
 * a first key set with keys of every usage. For trying out and for tests; production is installed by hand.
 */

const tokenLabel = 'holdfast-quickstart';
const keySetName = 'quickstart';
const tokenName = 'softhsm';

export function addQuickstartCommand(program: Command): void {
  program
    .command('quickstart')
    .description(
      'set up a SoftHSM token, TLS, a store and first keys under HOLDFAST_HOME, and serve (make up)',
    )
    .action(async () => {
      process.exitCode = await quickstart(readHome(process.env));
    });
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
  const began = Date.now();
  mkdirSync(home.directory, { recursive: true, mode: 0o700 });
  chmodSync(home.directory, 0o700);
  const files = path.join(home.directory, 'quickstart');
  mkdirSync(files, { recursive: true, mode: 0o700 });
  await makeToken(home.directory);
  await makeCertificates(home.directory, files);
  const config = writeConfig(home);
  // Written last: without it the set-up was interrupted, and what is there already is found again.
  if (!existsSync(path.join(files, 'keys.json'))) await makeFirstKeys(config, files);
  writeAdminFile(home, files);
  return serve(config, ({ xks, admin }) => {
    const took = ((Date.now() - began) / 1000).toFixed(1);
    return ` (https://localhost:${xks}, https://localhost:${admin}), ${took} s; files for AWS and admin.json in ${files}`;
  });
}

async function makeToken(directory: string): Promise<void> {
  const tokens = path.join(directory, 'softhsm');
  const configuration = path.join(directory, 'softhsm2.conf');
  process.env['SOFTHSM2_CONF'] = configuration;
  if (!existsSync(tokens)) {
    // Made aside and renamed: a set-up that is interrupted here leaves no token whose PIN nobody knows.
    const aside = `${tokens}.new`;
    rmSync(aside, { recursive: true, force: true });
    mkdirSync(aside, { mode: 0o700 });
    writeTokenConfiguration(configuration, aside);
    const pin = randomBytes(16).toString('hex');
    // softhsm2-util takes PINs in its arguments only: this one protects a token for trying out, on this machine.
    await tool('softhsm2-util', [
      ...['--init-token', '--free', '--label', tokenLabel],
      ...['--pin', pin, '--so-pin', randomBytes(16).toString('hex')],
    ]);
    writeSafely(path.join(directory, 'pin'), `${pin}\n`);
    renameSync(aside, tokens);
  }
  writeTokenConfiguration(configuration, tokens);
}

function writeTokenConfiguration(file: string, tokens: string): void {
  writeSafely(file, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
}

/** A CA of our own and a certificate for `localhost` from it; both made anew a month before they end. */
async function makeCertificates(directory: string, files: string): Promise<void> {
  const tls = path.join(directory, 'tls');
  mkdirSync(tls, { recursive: true, mode: 0o700 });
  const [ca, caKey, certificate, key] = ['ca.pem', 'ca-key.pem', 'server.pem', 'server-key.pem'].map((name) =>
    path.join(tls, name),
  ) as [string, string, string, string];
  const valid = async (file: string) =>
    existsSync(file) &&
    run('openssl', ['x509', '-in', file, '-noout', '-checkend', String(30 * 86_400)]).then(
      () => true,
      () => false,
    );
  const madeCa = !(await valid(ca)) || !existsSync(caKey);
  if (madeCa) {
    await tool('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650'],
      ...['-subj', '/CN=Holdfast quickstart CA', '-addext', 'basicConstraints=critical,CA:TRUE,pathlen:0'],
      ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign', '-keyout', caKey, '-out', ca],
    ]);
  }
  if (madeCa || !(await valid(certificate)) || !existsSync(key)) {
    const request = path.join(tls, 'server.csr');
    const extensions = path.join(tls, 'server.ext');
    writeFileSync(
      extensions,
      'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n',
    );
    await tool('openssl', [
      ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=localhost'],
      ...['-keyout', key, '-out', request],
    ]);
    await tool('openssl', [
      ...['x509', '-req', '-in', request, '-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-days', '397'],
      ...['-extfile', extensions, '-out', certificate],
    ]);
  }
  for (const file of [caKey, key]) chmodSync(file, 0o600);
  writeSafely(path.join(files, 'ca.pem'), readFileSync(ca, 'utf8'));
}

function writeConfig(home: Home): LoadedConfig {
  const file = path.join(home.directory, 'holdfast.toml');
  const text = `# Written by holdfast quickstart (make up); changes are overwritten at the next start.
[node]
state_directory = "state"

[xks]
address = "127.0.0.1"
port = ${home.xksPort}
drain_ms = 0

[xks.tls]
certificate = "tls/server.pem"
key = "tls/server-key.pem"

[[token]]
name = "${tokenName}"
profile = "softhsm2"
label = "${tokenLabel}"
pin = { file = "pin" }
environment = { SOFTHSM2_CONF = ${JSON.stringify(path.join(home.directory, 'softhsm2.conf'))} }
`;
  writeSafely(file, text);
  return loadConfig(file);
}

async function makeFirstKeys(config: LoadedConfig, files: string): Promise<void> {
  await init(config);
  const { rooms, close } = await openTokens(config, config.tokens);
  const store = await SqliteStore.open(config.storePath);
  try {
    // A set-up that was interrupted: its key set keeps its name, the new one gets another.
    const suffix = randomBytes(6).toString('hex');
    const keySet = await createKeySet(store, {
      name: `${keySetName}-${suffix}`,
      description: 'Made by make up',
      token: tokenName,
      pathPrefix: `${keySetName}-${suffix}`,
    });
    const make = async (name: string, encrypt: boolean, decrypt: boolean) =>
      (await createCloudKey(store, rooms, keySet, { name, usage: { encrypt, decrypt } })).external_key_id;
    const keys = {
      encryptDecrypt: await make('encrypt-decrypt', true, true),
      encryptOnly: await make('encrypt-only', true, false),
      decryptOnly: await make('decrypt-only', false, true),
      neither: await make('neither', false, false),
    };
    const { accessKeyId, secret } = await issueCredential(store, rooms, keySet);
    writeSafely(path.join(files, 'xks-proxy-config.json'), consoleFile(keySet, accessKeyId, secret));
    writeSafely(path.join(files, 'keys.json'), `${JSON.stringify(keys, null, 2)}\n`);
  } finally {
    await store.close();
    await close();
  }
}

/** The first administrator of the management API, whose password is made once and kept. */
function writeAdminFile(home: Home, files: string): void {
  const file = path.join(files, 'admin.json');
  const password = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { password: string }).password
    : randomBytes(18).toString('base64url');
  const admin = { endpoint: `https://localhost:${home.adminPort}`, username: 'admin', password };
  writeSafely(file, `${JSON.stringify(admin, null, 2)}\n`);
}

/** Mode 0600 from the first byte, and whole or not at all. */
function writeSafely(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode: 0o600 });
  renameSync(temporary, file);
}

async function tool(name: string, parameters: string[]): Promise<void> {
  try {
    await run(name, parameters);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new ConfigError([
      code === 'ENOENT'
        ? `${name} is not installed; run: make set-up`
        : `${name} failed: ${
            String((error as { stderr?: unknown }).stderr)
              .trim()
              .split('\n', 1)[0] ?? ''
          }`,
    ]);
  }
}
