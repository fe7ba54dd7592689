import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { memoryDirectory } from '../../testing/memory-directory.ts';

const run = promisify(execFile);

/** A certificate with its key, PEM. */
export interface Certified {
  certificate: string;
  key: string;
  /** Files, for openssl. */
  files: { certificate: string; key: string };
}

export interface Input {
  commonName: string;
  /** DNS names; the common name alone if left out. */
  names?: string[];
  days?: number;
  /** Openssl's words for the key, such as `['-newkey', 'rsa:1024']`. */
  newKey?: string[];
  digest?: string;
  ca?: boolean;
  usage?: string;
}

/** Certificates of every kind that servers have by mistake, made with openssl in a directory of its own. */
export class Chains {
  readonly #directory: string;
  #count = 0;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async create(): Promise<Chains> {
    return new Chains(await mkdtemp(path.join(memoryDirectory(), 'holdfast-chains-')));
  }

  async root(commonName: string): Promise<Certified> {
    const files = this.#files();
    await run('openssl', [
      ...['req', '-x509', ...curve, '-nodes', '-days', '30', '-subj', `/CN=${commonName}`],
      ...['-addext', 'basicConstraints=critical,CA:TRUE', '-keyout', files.key, '-out', files.certificate],
    ]);
    return read(files);
  }

  async issue(issuer: Certified, input: Input): Promise<Certified> {
    const {
      commonName,
      names = [commonName],
      days = 30,
      newKey = curve,
      digest = 'sha256',
      ca = false,
    } = input;
    const files = this.#files();
    const [request, extensions] = [`${files.certificate}.csr`, `${files.certificate}.ext`];
    await writeFile(
      extensions,
      ca
        ? 'basicConstraints=critical,CA:TRUE\n'
        : [
            'basicConstraints=critical,CA:FALSE',
            `extendedKeyUsage=${input.usage ?? 'serverAuth'}`,
            ...(names.length === 0 ? [] : [`subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`]),
            '',
          ].join('\n'),
    );
    await run('openssl', [
      ...['req', ...newKey, '-nodes', '-subj', commonName === '' ? '/O=Nobody' : `/CN=${commonName}`],
      ...['-keyout', files.key, '-out', request],
    ]);
    await run('openssl', [
      ...['x509', '-req', `-${digest}`, '-in', request, '-days', String(days), '-extfile', extensions],
      ...['-CA', issuer.files.certificate, '-CAkey', issuer.files.key],
      // Its own: a file of serial numbers would be shared by all that are issued at a time.
      ...['-set_serial', `0x${randomBytes(16).toString('hex')}`],
      ...['-out', files.certificate],
    ]);
    return read(files);
  }

  async dispose(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  #files(): Certified['files'] {
    const base = path.join(this.#directory, String(++this.#count));
    return { certificate: `${base}.pem`, key: `${base}-key.pem` };
  }
}

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

async function read(files: Certified['files']): Promise<Certified> {
  return {
    certificate: await readFile(files.certificate, 'utf8'),
    key: await readFile(files.key, 'utf8'),
    files,
  };
}
