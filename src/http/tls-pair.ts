import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { openingOf } from '../closed-file.ts';
import { systemReason } from '../system-reason.ts';
import { TlsError } from './tls-error.ts';

/** A certificate file and a key file that belong together. */
export interface TlsPair {
  /** PEM, without what else is in the files. */
  cert: string;
  key: string;
  /** Certificates in the order of the file, the server's own first. */
  chain: [X509Certificate, ...X509Certificate[]];
}

interface PemBlock {
  label: string;
  text: string;
}

/** Reads both files and checks that they belong together. Throws {@link TlsError} that names the one file that is wrong. */
export function readTlsPair(files: { certificate: string; key: string }): TlsPair {
  const cert = readTlsFile(files.certificate, 'certificate');
  const key = readTlsFile(files.key, 'key');
  // Before its mode is looked at: a certificate may be open to everyone.
  if (isOnly(key, 'CERTIFICATE') && isOnly(cert, 'PRIVATE KEY'))
    throw new TlsError(
      `${files.certificate} has the private key and ${files.key} the certificate; hint: exchange the two in the configuration (tls.certificate, tls.key)`,
    );
  const opening = openingOf(files.key, statSync(files.key));
  if (opening !== undefined)
    throw new TlsError(`${files.key}: the TLS key: ${opening.problem}; hint: ${opening.remediation}`);
  const chain = readCertificates(files.certificate, cert, 'certificate');
  const privateKey = readKey(files.key, key);
  if (chain[0].checkPrivateKey(privateKey))
    return {
      cert: chain.map(String).join(''),
      key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
      chain,
    };
  const place = chain.findIndex((certificate) => certificate.checkPrivateKey(privateKey));
  throw new TlsError(
    place > 0
      ? `${files.certificate}: the server’s own certificate is number ${place + 1} of ${chain.length} and has to come first; hint: put the certificates in the order server, its issuer, that one’s issuer`
      : `${files.certificate} and ${files.key} cannot be used together (the key is of another certificate)`,
  );
}

/** Whether a PEM file has parts of this kind and none of the other. */
function isOnly(content: Buffer, kind: 'CERTIFICATE' | 'PRIVATE KEY'): boolean {
  const other = kind === 'CERTIFICATE' ? 'PRIVATE KEY' : 'CERTIFICATE';
  return content.includes(`${kind}-----`) && !content.includes(`${other}-----`);
}

/** All certificates of a PEM file. Throws {@link TlsError}. */
export function readCertificates(
  file: string,
  content: Buffer,
  what: 'certificate' | 'client CA',
): [X509Certificate, ...X509Certificate[]] {
  const certificates = blocksOf(file, content, what)
    .filter(({ label }) => /^(?:X509 |TRUSTED )?CERTIFICATE$/.test(label))
    .map(({ text }, index) => {
      try {
        return new X509Certificate(text);
      } catch (error) {
        throw new TlsError(`${file}: certificate number ${index + 1} cannot be read (${codeOf(error)})`);
      }
    });
  const [first, ...others] = certificates;
  if (first === undefined)
    throw new TlsError(
      `${file}: the TLS ${what} has no certificate${
        content.includes('PRIVATE KEY-----') ? ', but a private key; hint: are the two files exchanged?' : ''
      }`,
    );
  return [first, ...others];
}

function readKey(file: string, content: Buffer): KeyObject {
  const blocks = blocksOf(file, content, 'key');
  const key = blocks.find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (key === undefined)
    throw new TlsError(
      `${file}: the TLS key has no private key${
        blocks.some(({ label }) => label.endsWith('CERTIFICATE'))
          ? ', but a certificate; hint: are the two files exchanged?'
          : ''
      }`,
    );
  if (key.label === 'ENCRYPTED PRIVATE KEY' || /^Proc-Type: *4, *ENCRYPTED/m.test(key.text))
    throw new TlsError(
      `${file}: the TLS key is protected by a pass phrase, which nobody could enter when the node starts; hint: openssl pkey -in ${file} -out FILE, with mode 0600`,
    );
  try {
    return createPrivateKey(key.text);
  } catch (error) {
    throw new TlsError(`${file}: the TLS key cannot be read (${codeOf(error)})`);
  }
}

const begins = /-----BEGIN [A-Z0-9 ]+-----/g;
const block = /^-----BEGIN ([A-Z0-9 ]+)-----$[^]*?^-----END \1-----$/gm;

/** The PEM blocks of a file, of which each begins and ends on lines of its own (RFC 7468). */
function blocksOf(file: string, content: Buffer, what: string): PemBlock[] {
  const text = content
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .replaceAll(/[ \t]*\r?$/gm, '');
  if (content[0] === 0x30 && content.length > 4)
    throw new TlsError(
      `${file}: the TLS ${what} is in DER form or a PKCS#12 file, and has to be PEM; hint: openssl ${what === 'key' ? 'pkey' : 'x509'} -inform der -in ${file}, or openssl pkcs12 -in ${file} -nodes`,
    );
  if (/^(?:\xff\xfe|\xfe\xff)/.test(text))
    throw new TlsError(`${file}: the TLS ${what} is in UTF-16; hint: save it as plain text (ASCII)`);
  const glued = /-----END [A-Z0-9 ]+-----(?=.)/.exec(text) ?? /[^\n](?=-----BEGIN )/.exec(text);
  if (glued !== null)
    throw new TlsError(
      `${file}: line ${lineAt(text, glued.index)} of the TLS ${what} has the end of one part and the beginning of the next; hint: a line end between the files that were put together`,
    );
  const found = [...text.matchAll(block)].map(([whole, label = '']) => ({ label, text: whole }));
  const begun = [...text.matchAll(begins)];
  if (found.length !== begun.length)
    throw new TlsError(
      `${file}: the TLS ${what} has ${begun.length} -----BEGIN lines and ${found.length} whole parts: something of it is missing`,
    );
  return found;
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

export function readTlsFile(file: string, what: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new TlsError(`${file}: the TLS ${what} cannot be read: ${systemReason(error).words}`);
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unusable';
}
