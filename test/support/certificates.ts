import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

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

  /** A certificate with this common name; servers also for `localhost` and 127.0.0.1. Key files have mode 0600. */
  async issue(
    commonName: string,
    options: { client?: boolean; rsa?: boolean; dnsNames?: string[] } = {},
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
    await run('openssl', [
      ...['x509', '-req', '-in', request, '-CA', this.certificate, '-CAkey', this.#key, '-CAcreateserial'],
      ...['-days', '30', '-extfile', extensions, '-out', certificate],
    ]);
    await chmod(key, 0o600);
    return { certificate, key };
  }
}

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
