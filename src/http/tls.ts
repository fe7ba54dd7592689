import { constants, createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls';
import type { TlsConfig } from '../config/config.ts';
import { certificatesIn } from './certificate.ts';
import { TlsError } from './tls-error.ts';
import { readCertificates, readTlsFile, readTlsPair } from './tls-pair.ts';

/** The suites of the XKS spec ("API content type"), and no other. */
const suites = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
].join(':');

/** Key exchanges. P-521 and finite fields are many times the work, at the client's pleasure, and nobody needs them. */
const classicalGroups = 'X25519:P-256:P-384';
/** The hybrid one is of OpenSSL 3.5, which Node 24 has from 24.5 on. */
const groups = supports(`X25519MLKEM768:${classicalGroups}`) ?? classicalGroups;

function supports(ecdhCurve: string): string | undefined {
  try {
    createSecureContext({ ecdhCurve });
    return ecdhCurve;
  } catch {
    return undefined;
  }
}

/** What a listener is made with: the contents of the files, which the supervisor hands to its workers. */
export type LoadedTls = SecureContextOptions & { cert: string; key: string; ca?: string[] };

/** Reads the files and checks that they belong together. Throws TlsError; nothing is changed by trying. */
export function loadTls(tls: TlsConfig): LoadedTls {
  const { cert, key } = readTlsPair(tls);
  const { client_ca } = tls;
  const ca =
    client_ca === undefined
      ? undefined
      : readCertificates(client_ca, readTlsFile(client_ca, 'client CA'), 'client CA').map(String);
  const options: LoadedTls = {
    cert,
    key,
    ...(ca === undefined ? {} : { ca }),
    minVersion: 'TLSv1.2',
    ciphers: suites,
    ecdhCurve: groups,
    honorCipherOrder: true,
    // Nobody who speaks to us needs it; it is work for us at the client's pleasure.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    // What was agreed on with other client CAs or names is not resumed.
    sessionIdContext: createHash('sha256')
      .update(JSON.stringify([tls.client_subjects, ca ?? []]))
      .digest('hex')
      .slice(0, 32),
  };
  try {
    createSecureContext(options);
  } catch (error) {
    // What a certificate is too weak for, such as ERR_SSL_EE_KEY_TOO_SMALL.
    const { code = 'unusable' } = error as NodeJS.ErrnoException;
    throw new TlsError(`${tls.certificate}: OpenSSL does not take this certificate or its key (${code})`);
  }
  return options;
}

/** When the certificate ends, for the log. */
export function certificateEnd({ cert }: LoadedTls): Date | undefined {
  return certificatesIn(cert)[0]?.validToDate;
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
