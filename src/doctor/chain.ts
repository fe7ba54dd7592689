import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';

/* From the certificates that a server sends to a CA. */

interface AwsList {
  source: string;
  /** Of the list, the day of its last change. */
  date: string;
  /** `fingerprint until name` each. */
  cas: readonly string[];
}

const list = JSON.parse(readFileSync(new URL('trusted-cas.json', import.meta.url), 'utf8')) as AwsList;
export const listDate = list.date;
const fingerprints = new Set(list.cas.map((line) => line.slice(0, 64)));
const names = new Set(list.cas.map((line) => line.slice(76)));

/** How the way ends that begins at the server's certificate. */
export type ChainEnd =
  /** At a CA of AWS's list. */
  | { kind: 'trusted'; anchor: X509Certificate }
  /** At a CA that the doctor was given. */
  | { kind: 'given'; anchor: X509Certificate; listed: boolean }
  /** At a CA that is on the list by its name, but whose certificate there is another or not known here. */
  | { kind: 'named'; name: string }
  /** At a CA that AWS does not trust: sent along, or known to this machine. */
  | { kind: 'untrusted'; name: string; known: boolean }
  /** Nowhere: whoever issued the last one is not sent and not known. */
  | { kind: 'open'; issuer: string };

export interface Chain {
  /** From the server's certificate on, each issued by the next; without the CA where it was not sent. */
  path: X509Certificate[];
  /** Whether what was sent begins with the path, in its order. */
  inOrder: boolean;
  /** Sent and not needed. */
  extra: X509Certificate[];
  end: ChainEnd;
}

/** Puts a chain together. `given` are certificates of CAs to trust in place of AWS's list. */
export function buildChain(sent: readonly X509Certificate[], given: readonly X509Certificate[] = []): Chain {
  const [leaf] = sent;
  if (leaf === undefined) throw new Error('a server sends a certificate');
  const anchors = given.length > 0 ? given : rootsOfThisMachine().filter(isListed);
  const path = [leaf];
  let end: ChainEnd | undefined;
  while (end === undefined) {
    const last: X509Certificate = path.at(-1) ?? leaf;
    const anchor = anchors.find((ca) => same(ca, last)) ?? anchors.find((ca) => isIssuedBy(last, ca));
    if (anchor !== undefined)
      end =
        given.length > 0 ? { kind: 'given', anchor, listed: isListed(anchor) } : { kind: 'trusted', anchor };
    else {
      const next = sent.find((one) => !path.some((known) => same(known, one)) && isIssuedBy(last, one));
      if (next === undefined) end = endWithout(last);
      else path.push(next);
    }
  }
  const extra = sent.filter((one) => !path.some((known) => same(known, one)));
  return { path, inOrder: path.every((one, index) => same(one, sent[index])), extra, end };
}

function endWithout(last: X509Certificate): ChainEnd {
  const issuer = nameOf(last.issuer);
  const isRoot = isIssuedBy(last, last);
  const known = rootsOfThisMachine().find((ca) => (isRoot ? same(ca, last) : isIssuedBy(last, ca)));
  if (names.has(issuer)) return { kind: 'named', name: issuer };
  if (isRoot) return { kind: 'untrusted', name: issuer, known: known !== undefined };
  return known === undefined ? { kind: 'open', issuer } : { kind: 'untrusted', name: issuer, known: true };
}

/** The certificates in a PEM text. Throws where one cannot be read. */
export function readCertificates(pem: string): X509Certificate[] {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return found.map((text) => new X509Certificate(text));
}

/** Common name of a distinguished name as Node writes it; else its unit and organisation. */
export function nameOf(distinguished: string): string {
  const part = (type: string) =>
    distinguished
      .split('\n')
      .findLast((line) => line.startsWith(`${type}=`))
      ?.slice(type.length + 1);
  return part('CN') ?? ([part('OU'), part('O')].filter((text) => text !== undefined).join(', ') || 'no name');
}

function isListed(ca: X509Certificate): boolean {
  return fingerprints.has(ca.fingerprint256.replaceAll(':', '').toLowerCase());
}

export function same(a: X509Certificate, b: X509Certificate | undefined): boolean {
  return a.fingerprint256 === b?.fingerprint256;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    // A key of a kind that OpenSSL does not know.
    return false;
  }
}

let roots: X509Certificate[] | undefined;

function rootsOfThisMachine(): X509Certificate[] {
  roots ??= [...new Set([...getCACertificates('bundled'), ...getCACertificates('system')])].flatMap((pem) => {
    try {
      return [new X509Certificate(pem)];
    } catch {
      return [];
    }
  });
  return roots;
}
