import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export interface OwnTls {
  /** PEM texts. */
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}

/** A CA made by openssl and one server certificate of it; the CA's key is thrown away. */
export async function makeOwnTls(hostNames: readonly string[]): Promise<OwnTls> {
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-simulator-'));
  const at = (name: string): string => path.join(directory, name);
  try {
    await run('openssl', [
      ...['req', '-x509', ...curve, '-days', '365', '-subj', '/CN=Holdfast simulator CA'],
      ...['-addext', 'basicConstraints=critical,CA:TRUE,pathlen:0'],
      ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign', '-keyout', at('ca-key'), '-out', at('ca')],
    ]);
    await run('openssl', [
      'req',
      ...curve,
      '-subj',
      '/CN=localhost',
      '-keyout',
      at('key'),
      '-out',
      at('csr'),
    ]);
    await writeFile(
      at('extensions'),
      [
        'basicConstraints=critical,CA:FALSE',
        'keyUsage=critical,digitalSignature',
        'extendedKeyUsage=serverAuth',
        `subjectAltName=${alternatives(hostNames).join(',')}`,
      ].join('\n'),
    );
    await run('openssl', [
      ...['x509', '-req', '-in', at('csr'), '-CA', at('ca'), '-CAkey', at('ca-key'), '-CAcreateserial'],
      ...['-days', '365', '-extfile', at('extensions'), '-out', at('certificate')],
    ]);
    const [certificate, key, ca] = await Promise.all(
      ['certificate', 'key', 'ca'].map(async (name) => await readFile(at(name), 'utf8')),
    );
    return { certificate: certificate ?? '', key: key ?? '', ca: ca ?? '' };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Buckets are `<bucket>.s3.localhost`: a wildcard right below a top-level name is refused by clients. */
function alternatives(hostNames: readonly string[]): string[] {
  const names = ['localhost', 's3.localhost', ...hostNames.filter((name) => isIP(name) === 0)];
  const wild = names.filter((name) => name.includes('.')).map((name) => `*.${name}`);
  const addresses = ['127.0.0.1', ...hostNames.filter((name) => isIP(name) !== 0)];
  return [
    ...[...names, ...wild].map((name) => `DNS:${name}`),
    ...addresses.map((address) => `IP:${address}`),
  ];
}
