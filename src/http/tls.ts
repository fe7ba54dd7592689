import { constants, createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { openingOf } from '../closed-file.ts';
import type { TlsConfig } from '../config/config.ts';

/** The suites of the XKS spec ("API content type"), and no other. */
const suites = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
].join(':');

/** The certificate, key or CA cannot be used; the text is for the operator and quotes no file content. */
export class TlsError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TlsError';
  }
}

/** Reads the files and checks that they belong together. Throws TlsError; nothing is changed by trying. */
export function loadTls(tls: TlsConfig): SecureContextOptions {
  const cert = read(tls.certificate, 'certificate');
  const key = read(tls.key, 'key');
  const options: SecureContextOptions = {
    cert,
    key,
    ...(tls.client_ca === undefined ? {} : { ca: read(tls.client_ca, 'client CA') }),
    minVersion: 'TLSv1.2',
    ciphers: suites,
    honorCipherOrder: true,
    // Nobody who speaks to us needs it; it is work for us at the client's pleasure.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
  const opening = openingOf(tls.key, statSync(tls.key));
  if (opening !== undefined)
    throw new TlsError(`${tls.key}: the TLS key: ${opening.problem}; way out: ${opening.wayOut}`);
  let belong: boolean;
  try {
    createSecureContext(options);
    // OpenSSL itself takes a key of another kind than the certificate's, RSA for EC, and then fails every handshake.
    belong = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unusable';
    throw new TlsError(`${tls.certificate} and ${tls.key} cannot be used together (${code})`);
  }
  if (!belong)
    throw new TlsError(
      `${tls.certificate} and ${tls.key} cannot be used together (the key is of another certificate)`,
    );
  return options;
}

/** When the certificate ends, for the log. */
export function certificateEnd(options: SecureContextOptions): Date {
  return new Date(new X509Certificate(options.cert as string).validTo);
}

/** What tells a changed file: a path that is a symbolic link is followed. Empty while a file is being replaced. */
export function fingerprint(tls: TlsConfig): string {
  try {
    return [tls.certificate, tls.key, tls.client_ca]
      .filter((file) => file !== undefined)
      .map((file) => {
        const { mtimeMs, size, ino } = statSync(file);
        return `${ino}:${size}:${mtimeMs}`;
      })
      .join(' ');
  } catch {
    return '';
  }
}

/**
 * True when the client certificate has one of the wanted subjects, as common name or DNS name. The chain was checked
 * against our CA already. (XKS spec, Authentication: the subject name and the CA are both configured.)
 */
export function hasWantedSubject(socket: TLSSocket, wanted: readonly string[]): boolean {
  const certificate = socket.getPeerX509Certificate();
  if (!socket.authorized || certificate === undefined) return false;
  const common = new Set([certificate.toLegacyObject().subject?.CN ?? []].flat());
  // checkHost and not the text of the names: a comma in one name would read there as two.
  return wanted.some(
    (name) =>
      common.has(name) || certificate.checkHost(name, { subject: 'never', wildcards: false }) !== undefined,
  );
}

function read(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new TlsError(
      `${file}: the TLS ${what} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`,
    );
  }
}
