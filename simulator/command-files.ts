import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SimulatedAccount } from './accounts.ts';
import { makeId, makeSecretAccessKey } from './ids.ts';
import { makeOwnTls, type OwnTls } from './own-certificate.ts';

/** What is wrong with how the command was called, and the way out; exit code 64, or 66 for a file. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 64) {
    super(message);
    this.exitCode = exitCode;
  }
}

const DAY = 24 * 60 * 60 * 1000;

/** A file that was named on the command line. */
export function readGiven(file: string, flag: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new CommandError(`${flag}: the file cannot be read`, 66);
  }
}

/** CA and certificate of an earlier start while they are good for these names, so that clients need not be told again; else new ones. */
export async function keptTls(directory: string, hostNames: readonly string[]): Promise<OwnTls> {
  const files = { ca: 'ca.pem', certificate: 'certificate.pem', key: 'key.pem' };
  const at = (name: string): string => path.join(directory, name);
  if (Object.values(files).every((name) => existsSync(at(name)))) {
    const kept = {
      ca: readFileSync(at(files.ca), 'utf8'),
      certificate: readFileSync(at(files.certificate), 'utf8'),
      key: readFileSync(at(files.key), 'utf8'),
    };
    if (isGood(kept, hostNames)) return kept;
  }
  const made = await makeOwnTls(hostNames);
  writeAside(at(files.ca), made.ca, 0o644);
  writeAside(at(files.certificate), made.certificate, 0o644);
  writeAside(at(files.key), made.key, 0o600);
  return made;
}

function isGood(tls: OwnTls, hostNames: readonly string[]): boolean {
  try {
    const certificate = new X509Certificate(tls.certificate);
    return (
      certificate.validToDate.getTime() > Date.now() + DAY &&
      certificate.verify(new X509Certificate(tls.ca).publicKey) &&
      hostNames.every((name) => (certificate.checkHost(name) ?? certificate.checkIP(name)) !== undefined)
    );
  } catch {
    return false;
  }
}

/**
 * The root user's access key in the form of AWS's shared credentials file, so that `AWS_SHARED_CREDENTIALS_FILE` can point at it. The
 * secret is nowhere else: not on the command line, not in what is printed.
 */
export function accessKeyOf(file: string): Pick<SimulatedAccount, 'accessKeyId' | 'secretAccessKey'> {
  if (existsSync(file)) {
    const text = readGiven(file, '--access-key-file');
    const value = (name: string): string | undefined =>
      new RegExp(`^\\s*${name}\\s*=\\s*(\\S+)\\s*$`, 'm').exec(text)?.[1];
    const [accessKeyId, secretAccessKey] = [value('aws_access_key_id'), value('aws_secret_access_key')];
    if (accessKeyId === undefined || secretAccessKey === undefined || !/^\w{16,128}$/.test(accessKeyId))
      throw new CommandError(
        '--access-key-file: needs the lines aws_access_key_id = … and aws_secret_access_key = …, as ~/.aws/credentials has them',
      );
    return { accessKeyId, secretAccessKey };
  }
  const made = { accessKeyId: makeId('AKIA'), secretAccessKey: makeSecretAccessKey() };
  const lines = [
    '[default]',
    `aws_access_key_id = ${made.accessKeyId}`,
    `aws_secret_access_key = ${made.secretAccessKey}`,
  ];
  writeAside(file, `${lines.join('\n')}\n`, 0o600);
  return made;
}

/** Whole or not at all: readers never see half of it. */
export function writeAside(file: string, text: string, mode: number): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, text, { mode });
  renameSync(`${file}.new`, file);
}
