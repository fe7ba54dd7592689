import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, globSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const build = path.resolve(import.meta.dirname, '../build');
/** How long the copied CAs of {@link testCas} are in use, milliseconds; their certificates are good for 30 days. */
const lifeOfCopies = 7 * 24 * 3_600_000;

/** A CA made with openssl in `directory`; issues server and client certificates. */
export class TestCa {
  readonly certificate: string;
  readonly #key: string;
  readonly #directory: string;
  #count = 0;

  private constructor(directory: string, name: string) {
    this.#directory = directory;
    this.certificate = path.join(directory, `${name}.pem`);
    this.#key = path.join(directory, `${name}-key.pem`);
  }

  static async create(directory: string, name = 'ca'): Promise<TestCa> {
    const ca = new TestCa(directory, name);
    await run('openssl', [
      ...['req', '-x509', ...curve, '-nodes', '-days', '30', '-subj', `/CN=Test CA ${name}`],
      ...['-addext', 'basicConstraints=critical,CA:TRUE', '-keyout', ca.#key, '-out', ca.certificate],
    ]);
    return ca;
  }

  /** One that is in `directory` already. */
  static at(directory: string, name: string): TestCa {
    return new TestCa(directory, name);
  }

  /**
   * A certificate with this common name; servers also for `localhost` and 127.0.0.1. With `days` −1 it ended yesterday.
   * Key files have mode 0600.
   */
  async issue(
    commonName: string,
    options: {
      client?: boolean;
      rsa?: boolean;
      dnsNames?: string[];
      days?: number;
      /** Days from now on which it begins to be valid. */
      startsIn?: number;
      /** Address at which the CA's own certificate is said to be had. */
      caIssuers?: string;
    } = {},
  ): Promise<{ certificate: string; key: string }> {
    const base = path.join(this.#directory, `${path.basename(this.certificate, '.pem')}-${++this.#count}`);
    const [certificate, key, request, extensions] = [
      `${base}.pem`,
      `${base}-key.pem`,
      `${base}.csr`,
      `${base}.ext`,
    ];
    const names =
      options.client === true ? (options.dnsNames ?? []) : ['localhost', ...(options.dnsNames ?? [])];
    const alternatives = [
      ...names.map((name) => `DNS:${name}`),
      ...(options.client === true ? [] : ['IP:127.0.0.1']),
    ];
    await writeFile(
      extensions,
      [
        'basicConstraints=critical,CA:FALSE',
        `extendedKeyUsage=${options.client === true ? 'clientAuth' : 'serverAuth'}`,
        ...(alternatives.length === 0 ? [] : [`subjectAltName=${alternatives.join(',')}`]),
        ...(options.caIssuers === undefined
          ? []
          : [`authorityInfoAccess=caIssuers;URI:${options.caIssuers}`]),
      ].join('\n'),
    );
    await run('openssl', [
      ...[
        'req',
        ...(options.rsa === true ? ['-newkey', 'rsa:2048'] : curve),
        '-nodes',
        '-subj',
        `/CN=${commonName}`,
      ],
      ...['-keyout', key, '-out', request],
    ]);
    const signing = [
      ...['x509', '-req', '-in', request, '-CA', this.certificate, '-CAkey', this.#key],
      // Its own, since a serial number's file would be shared by all who have one made at a time.
      ...['-set_serial', `0x${randomBytes(16).toString('hex')}`],
      ...['-days', String(options.days ?? 30), '-extfile', extensions, '-out', certificate],
    ];
    await run('openssl', signing, { env: { ...process.env, ...daysLater(options.startsIn) } });
    await chmod(key, 0o600);
    return { certificate, key };
  }
}

export interface TestCas {
  ca: TestCa;
  /** CA of client certificates. */
  clientCa: TestCa;
  /** A server certificate of `ca` for `localhost`. */
  tls: { certificate: string; key: string };
}

/**
 * Puts two CAs and a server certificate into `directory`. They are copies: openssl makes the originals once in a few
 * days, since it would otherwise take its time at each start of a node. Whoever needs a CA that nobody else has makes
 * one with {@link TestCa.create}.
 */
export async function testCas(directory: string): Promise<TestCas> {
  const age = Math.floor(Date.now() / lifeOfCopies);
  const originals = path.join(build, `certificates-${age}`);
  if (!existsSync(originals)) await makeOriginals(originals, age);
  await cp(originals, directory, { recursive: true });
  return {
    ca: TestCa.at(directory, 'ca'),
    clientCa: TestCa.at(directory, 'client-ca'),
    tls: { certificate: path.join(directory, 'server.pem'), key: path.join(directory, 'server-key.pem') },
  };
}

/** Test processes may race for it: each makes its own, the first is kept. */
async function makeOriginals(originals: string, age: number): Promise<void> {
  const draft = `${originals}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await mkdir(draft, { recursive: true, mode: 0o700 });
  try {
    const ca = await TestCa.create(draft);
    await TestCa.create(draft, 'client-ca');
    const { certificate, key } = await ca.issue('localhost');
    await rename(certificate, path.join(draft, 'server.pem'));
    await rename(key, path.join(draft, 'server-key.pem'));
    await rename(draft, originals).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  for (const name of await readdir(build)) {
    const old = /^certificates-(\d+)$/.exec(name)?.[1];
    if (old !== undefined && Number(old) < age - 1) await rm(path.join(build, name), { recursive: true });
  }
}

/** OpenSSL 3.0 makes certificates that begin now. */
function daysLater(days: number | undefined): Record<string, string> {
  const [library] = globSync('/usr/lib/*/faketime/libfaketime.so.1');
  if (days === undefined) return {};
  if (library === undefined) throw new Error('libfaketime is missing; run: scripts/set-up test');
  return { LD_PRELOAD: library, FAKETIME: `+${days}d` };
}

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
