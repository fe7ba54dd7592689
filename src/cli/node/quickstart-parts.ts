import { execFile } from 'node:child_process';
import { randomBytes, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { ConfigError } from '../../config/problem.ts';
import { ReservedFile } from '../client/reserved-file.ts';

/* What a quickstart needs of the machine: a SoftHSM token, certificates, files that nobody else reads. */

const run = promisify(execFile);

export const tokenLabel = 'holdfast-quickstart';

export async function makeToken(directory: string): Promise<void> {
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

/**
 * The name under which the simulator of AWS reaches a quickstart, for which AWS KMS, and Holdfast, take no `localhost`
 * (RFC 2606: nobody has it).
 */
export const proxyName = 'xks.holdfast.test';

/**
 * A CA of our own and a certificate for `localhost` and these names from it; both made anew a month before they end, and where
 * a name is not in it.
 */
export async function makeCertificates(directory: string, files: string, name = 'localhost'): Promise<void> {
  const names = [...new Set([name, 'localhost', proxyName])];
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
  const hasNames = () => {
    const there = new X509Certificate(readFileSync(certificate));
    return names.every((one) => there.checkHost(one) !== undefined);
  };
  const madeCa = !(await valid(ca)) || !existsSync(caKey);
  if (madeCa) {
    await tool('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650'],
      ...['-subj', '/CN=Holdfast quickstart CA', '-addext', 'basicConstraints=critical,CA:TRUE,pathlen:0'],
      ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign', '-keyout', caKey, '-out', ca],
    ]);
  }
  if (madeCa || !(await valid(certificate)) || !existsSync(key) || !hasNames()) {
    const request = path.join(tls, 'server.csr');
    const extensions = path.join(tls, 'server.ext');
    writeFileSync(
      extensions,
      `basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=${names.map((one) => `DNS:${one}`).join(',')},IP:127.0.0.1\n`,
    );
    await tool('openssl', [
      ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`],
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

/** Mode 0600 from the first byte, and whole or not at all. Throws FileOutputError. */
export function writeSafely(file: string, text: string): void {
  const place = reserve(file);
  try {
    place.fill(text);
  } finally {
    place.close();
  }
}

/** Room for a file, whose text comes later: whole or not at all. Throws FileOutputError. */
export function reserve(file: string): { fill: (text: string) => void; close: () => void } {
  const temporary = `${file}.${process.pid}.tmp`;
  rmSync(temporary, { force: true });
  const reserved = ReservedFile.make(temporary);
  return {
    fill: (text) => {
      reserved.fill(text);
      reserved.rename(file);
    },
    close: () => reserved.close(),
  };
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
