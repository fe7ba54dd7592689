import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** PEM texts. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}

/**
 * What KMS shows a proxy that asks for a client certificate: of each Region one of its own, CN
 * `cks.kms.<Region>.amazonaws.com` (XKS spec, Authentication). AWS's chain to Amazon Trust Services; these to a CA that is
 * kept in a directory, `client-ca.pem`, for the proxy to trust.
 */
export class ClientCertificates {
  readonly caFile: string;
  readonly #caKey: string;
  readonly #made = new Map<string, Promise<ClientCertificate>>();

  private constructor(directory: string) {
    this.caFile = path.join(directory, 'client-ca.pem');
    this.#caKey = path.join(directory, 'client-ca-key.pem');
  }

  static async open(directory: string): Promise<ClientCertificates> {
    const certificates = new ClientCertificates(directory);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (!existsSync(certificates.caFile) || !existsSync(certificates.#caKey))
      await run('openssl', [
        ...['req', '-x509', ...curve, '-days', '365', '-subj', '/CN=Holdfast simulator client CA'],
        ...['-addext', 'basicConstraints=critical,CA:TRUE,pathlen:0'],
        ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
        ...['-keyout', certificates.#caKey, '-out', certificates.caFile],
      ]);
    return certificates;
  }

  /** PEM text. */
  get ca(): string {
    return readFileSync(this.caFile, 'utf8');
  }

  /** Made at the first need of a Region. */
  async of(region: string): Promise<ClientCertificate> {
    const known = this.#made.get(region) ?? this.#make(region);
    this.#made.set(region, known);
    return known;
  }

  async #make(region: string): Promise<ClientCertificate> {
    const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-simulator-'));
    const at = (name: string): string => path.join(directory, name);
    try {
      await run('openssl', [
        ...['req', ...curve, '-subj', `/CN=cks.kms.${region}.amazonaws.com`],
        ...['-keyout', at('key'), '-out', at('csr')],
      ]);
      await writeFile(at('extensions'), 'extendedKeyUsage=clientAuth\nkeyUsage=critical,digitalSignature\n');
      await run('openssl', [
        ...['x509', '-req', '-in', at('csr'), '-CA', this.caFile, '-CAkey', this.#caKey],
        // Its own: a file of serial numbers would be shared by all Regions that are asked for at a time.
        ...['-set_serial', `0x${randomBytes(16).toString('hex')}`],
        ...['-days', '365', '-extfile', at('extensions'), '-out', at('certificate')],
      ]);
      return {
        certificate: await readFile(at('certificate'), 'utf8'),
        key: await readFile(at('key'), 'utf8'),
      };
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
}
