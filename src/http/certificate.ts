import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/* What a server certificate promises to clients, judged before it is put in place. Never its key. */

/** Extended key usage: TLS server (RFC 5280, 4.2.1.12). */
const serverAuth = '1.3.6.1.5.5.7.3.1';

/** A certificate that ends sooner is warned of, milliseconds. */
export const renewalDue = 14 * 24 * 3_600_000;

/** The certificates in a PEM text, in their order. Throws where one cannot be read. */
export function certificatesIn(pem: string): X509Certificate[] {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return found.map((text) => new X509Certificate(text));
}

/** Why every client refuses it at this moment, undefined where its dates are no reason to. */
export function outOfDate(
  { validFromDate: from, validToDate: to }: X509Certificate,
  now: Date,
): string | undefined {
  if (to <= now) return `expired at ${to.toISOString()}: no client takes it any more`;
  if (from > now) return `is not valid before ${from.toISOString()}: no client takes it until then`;
  return undefined;
}

export interface Judgement {
  /** What keeps every client from trusting it, for good. */
  problems: string[];
  /** What will, or keeps some. */
  warnings: string[];
}

/** What is wrong with what a server presents; `host` is the name that clients connect to, where it is known. */
// oxlint-disable-next-line complexity -- one check after another
export function judge(chain: readonly X509Certificate[], now: Date, host?: string): Judgement {
  const [leaf] = chain;
  const problems: string[] = [];
  const warnings: string[] = [];
  if (leaf === undefined) return { problems, warnings };
  for (const [index, certificate] of chain.entries()) {
    const which = index === 0 ? 'the certificate' : `certificate number ${index + 1}`;
    const dates = outOfDate(certificate, now);
    const { validToDate: to } = certificate;
    if (dates !== undefined) (to <= now ? problems : warnings).push(`${which} ${dates}`);
    else if (to.getTime() - now.getTime() < renewalDue)
      warnings.push(`${which} expires at ${to.toISOString()}: renew it`);
    const issuer = chain[index + 1];
    if (issuer !== undefined && !isIssuedBy(certificate, issuer))
      warnings.push(
        `certificate number ${index + 2} did not issue the one before it: put them in the order server, its issuer, that one’s issuer`,
      );
  }
  // Where a CA says where its own certificate is to be had, it is one of several levels; a root that issues the
  // certificates of servers itself does not.
  if (chain.length === 1 && leaf.infoAccess?.includes('CA Issuers') === true && !isIssuedBy(leaf, leaf))
    warnings.push(withoutChain);
  if (host !== undefined && !names(leaf, host))
    warnings.push(`the certificate is not for ${host}, which admin.public_url names`);
  const usages = leaf.keyUsage as readonly string[] | undefined;
  if (usages !== undefined && !usages.includes(serverAuth))
    warnings.push('the certificate is not for servers (extended key usage): many clients do not take it');
  return { problems, warnings };
}

/** What a certificate that takes the place of another does not do for clients that were content with that. */
export function losses(before: readonly X509Certificate[], after: readonly X509Certificate[]): string[] {
  const [old] = before;
  const [leaf] = after;
  if (old === undefined || leaf === undefined) return [];
  const lost = dnsNamesOf(old).filter((name) => !names(leaf, name.replace(/^\*\./, 'any-name.')));
  return [
    ...(lost.length === 0 ? [] : [`the certificate is not for ${lost.join(', ')}, as the one before it was`]),
    ...(before.length > 1 && after.length === 1 ? [withoutChain] : []),
  ];
}

const withoutChain =
  'the file has the server’s certificate without its chain: clients that do not have the intermediate certificates do not take it';

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** By DNS name or address, as clients check it: common names do not count. */
function names(certificate: X509Certificate, host: string): boolean {
  return (
    (isIP(host) === 0 ? certificate.checkHost(host, { subject: 'never' }) : certificate.checkIP(host)) !==
    undefined
  );
}

function dnsNamesOf(certificate: X509Certificate): string[] {
  return [...(certificate.subjectAltName ?? '').matchAll(/DNS:([^\s,"]+)/g)].map(([, name = '']) => name);
}
