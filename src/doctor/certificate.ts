import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { wallClock } from '../clock.ts';
import { buildChain, listDate, nameOf, type Chain } from './chain.ts';
import { ok, problem, skipped, warning, type Finding } from './finding.ts';
import type { SentChain } from './sent-chain.ts';
import { counted } from '../counted.ts';

const day = 86_400_000;

/** Everything about the certificate that is served. `host` is the endpoint's. */
export function examineCertificate(
  { certificates, asSent }: SentChain,
  host: string,
  { vpc = false, given = [] }: { vpc?: boolean | undefined; given?: readonly X509Certificate[] } = {},
): Finding[] {
  const [leaf] = certificates;
  if (leaf === undefined) throw new Error('a server sends a certificate');
  const chain = buildChain(certificates, given);
  return [
    order(chain, certificates.length, asSent),
    issuer(chain),
    nameMatches(leaf, host, vpc),
    wildcard(leaf),
    validity(chain),
    keyAndSignature(chain),
  ];
}

const fullChain =
  'serve the certificate followed by each certificate between it and the CA (fullchain.pem of certbot, xks.tls.certificate), without the CA itself';

function order({ path, inOrder, extra, end }: Chain, sent: number, asSent: boolean): Finding {
  const data = { sent, used: path.length, orderSeen: asSent };
  if (end.kind === 'open')
    return problem(
      'certificate.chain',
      `${sent} sent; whoever issued the last, ${quote(end.issuer)}, is not among them and no CA known here`,
      fullChain,
      { data },
    );
  const names = path.map(({ subject }) => quote(nameOf(subject))).join(' ← ');
  if (!inOrder)
    return warning('certificate.chain', `complete, but not in order: ${names}`, fullChain, { data });
  if (extra.length > 0)
    return warning(
      'certificate.chain',
      `complete, with ${extra.length} that do not belong to it: ${extra.map(({ subject }) => quote(nameOf(subject))).join(', ')}`,
      fullChain,
      { data },
    );
  return ok(
    'certificate.chain',
    asSent ? names : `${names}; only TLS 1.3 is spoken, where the order cannot be seen`,
    { data },
  );
}

function issuer({ end }: Chain): Finding {
  switch (end.kind) {
    case 'trusted':
      return ok(
        'certificate.issuer',
        `${quote(nameOf(end.anchor.subject))} is on AWS’s list of ${listDate}`,
        {
          data: { ca: nameOf(end.anchor.subject), listDate },
        },
      );
    case 'given':
      return end.listed
        ? ok(
            'certificate.issuer',
            `${quote(nameOf(end.anchor.subject))} of --ca is on AWS’s list of ${listDate}`,
          )
        : warning(
            'certificate.issuer',
            `${quote(nameOf(end.anchor.subject))} of --ca; AWS does not trust it`,
            'fine for a test; AWS requires a certificate of a public CA on its list',
          );
    case 'named':
      return warning(
        'certificate.issuer',
        `a CA named ${quote(end.name)} is on AWS’s list of ${listDate}, but with another certificate, or one that this machine does not have`,
        'compare fingerprints with TrustedCertificateAuthorities in github.com/aws/aws-kms-xksproxy-api-spec',
      );
    case 'untrusted':
      return problem(
        'certificate.issuer',
        `${quote(end.name)} is not on AWS’s list of ${listDate}${end.known ? ', though this machine trusts it' : ''}`,
        'a certificate of a CA on AWS’s list (TrustedCertificateAuthorities in github.com/aws/aws-kms-xksproxy-api-spec); with a CA of your own, --ca FILE for tests',
      );
    case 'open':
      return skipped('certificate.issuer', 'the chain does not reach a CA', fullChain);
  }
}

function nameMatches(leaf: X509Certificate, host: string, vpc: boolean): Finding {
  const common = commonNameOf(leaf);
  const where = vpc ? 'the private DNS name' : 'the endpoint';
  const remediation = `a certificate with ${host} as subject common name and as DNS name among the alternative names`;
  const byName = isIP(host) === 0 ? leaf.checkHost(host, { subject: 'never' }) : leaf.checkIP(host);
  // Where there is no alternative name at all, libraries of old look at the common name.
  const byCommon = common !== undefined && leaf.checkHost(host, { subject: 'always' }) !== undefined;
  const shown = `common name ${common === undefined ? 'none' : quote(common)}, alternative names ${shownNames(leaf)}`;
  if (byName === undefined && !byCommon)
    return problem('certificate.name', `${host} is not in it: ${shown}`, remediation);
  if (byName === undefined)
    return problem(
      'certificate.name',
      `${host} is the common name only, not among the alternative names: ${shown}`,
      remediation,
    );
  if (common === undefined || !covers(common, host))
    return warning(
      'certificate.name',
      `${host} is among the alternative names, but the common name is ${common === undefined ? 'missing' : quote(common)}; AWS’s guide wants it to match ${where}`,
      remediation,
    );
  return ok('certificate.name', shown);
}

function wildcard(leaf: X509Certificate): Finding {
  const common = commonNameOf(leaf);
  if (common?.includes('*') === true)
    return warning(
      'certificate.wildcard',
      `the common name is ${quote(common)}`,
      'a certificate with the name itself; otherwise watch its expiry in another way: this finding, or notAfter in the log line TLS certificate loaded',
    );
  return ok('certificate.wildcard', common === undefined ? 'no common name' : quote(common));
}

function validity({ path, end }: Chain): Finding {
  const whole = 'anchor' in end && !path.includes(end.anchor) ? [...path, end.anchor] : path;
  const now = wallClock().getTime();
  const ends = whole.map((certificate) => ({
    name: nameOf(certificate.subject),
    from: Date.parse(certificate.validFrom),
    to: Date.parse(certificate.validTo),
  }));
  const [leaf] = ends;
  if (leaf === undefined) throw new Error('a chain has a certificate');
  const daysLeft = Math.floor((leaf.to - now) / day);
  const data = { daysLeft, notAfter: new Date(leaf.to).toISOString() };
  const remediation = 'renew it, and check that the node has taken up the new one: docs/operations.md, TLS';
  const early = ends.find(({ from }) => from > now);
  if (early !== undefined)
    return problem(
      'certificate.validity',
      `${quote(early.name)} is valid only from ${dateOf(early.from)} on`,
      'check the clock of this machine; otherwise use a certificate that is already valid',
      { data },
    );
  const expired = ends.find(({ to }) => to <= now);
  if (expired !== undefined)
    return problem(
      'certificate.validity',
      `${quote(expired.name)} has expired on ${dateOf(expired.to)}`,
      remediation,
      { data },
    );
  const first = ends.reduce((a, b) => (b.to < a.to ? b : a));
  // Certificates of few days are renewed after two thirds of their life.
  const soon = Math.min(30 * day, (first.to - first.from) / 3);
  const left = Math.floor((first.to - now) / day);
  const seen = `${counted(daysLeft, 'day')}, until ${dateOf(leaf.to)}`;
  if (first.to - now < soon)
    return warning(
      'certificate.validity',
      first === leaf
        ? seen
        : `${seen}; but ${quote(first.name)} in its chain ends in ${counted(left, 'day')}`,
      remediation,
      { data },
    );
  return ok('certificate.validity', seen, { data });
}

// oxlint-disable-next-line complexity -- one case for each kind of key and signature
function keyAndSignature({ path }: Chain): Finding {
  const faults: string[] = [];
  for (const [index, certificate] of path.entries()) {
    const name = quote(nameOf(certificate.subject));
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = certificate.publicKey;
    if (type?.startsWith('rsa') === true && (details?.modulusLength ?? 0) < 2048)
      faults.push(`${name} has an RSA key of ${details?.modulusLength ?? 0} bits`);
    // The signature of a CA's own certificate is not looked at by anybody.
    if (/sha1|md5/i.test(certificate.signatureAlgorithm ?? '') && certificate.subject !== certificate.issuer)
      faults.push(`${name} is signed with ${certificate.signatureAlgorithm}`);
    if (index > 0 && !certificate.ca) faults.push(`${name} is not a CA`);
  }
  const [leaf] = path;
  const usages = leaf?.keyUsage ?? [];
  if (usages.length > 0 && !usages.includes('1.3.6.1.5.5.7.3.1') && !usages.includes('2.5.29.37.0'))
    faults.push('it is not for servers (extended key usage serverAuth)');
  if (leaf?.ca === true) faults.push('it is the certificate of a CA');
  if (faults.length > 0)
    return problem(
      'certificate.key',
      faults.join('; '),
      'a certificate with a key of EC P-256 or RSA 2048 or more, signed with SHA-256, for servers',
    );
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = leaf?.publicKey ?? {};
  return ok(
    'certificate.key',
    type === 'rsa'
      ? `RSA ${details?.modulusLength}`
      : `${(type ?? 'unknown').toUpperCase()} ${details?.namedCurve ?? ''}`.trim(),
  );
}

function commonNameOf(certificate: X509Certificate): string | undefined {
  const line = certificate.subject?.split('\n').findLast((part) => part.startsWith('CN='));
  return line?.slice(3);
}

/** Whether a name, or a wildcard in its first label, is this host. */
function covers(name: string, host: string): boolean {
  const [a, b] = [name.toLowerCase(), host.toLowerCase()];
  return a === b || (a.startsWith('*.') && b.split('.').slice(1).join('.') === a.slice(2));
}

function shownNames(leaf: X509Certificate): string {
  const all = (leaf.subjectAltName ?? 'none').split(', ').map((name) => name.replace(/^DNS:/, ''));
  return all.length <= 8 ? all.join(', ') : `${all.slice(0, 8).join(', ')} and ${all.length - 8} more`;
}

function dateOf(moment: number): string {
  return new Date(moment).toISOString().slice(0, 10);
}

function quote(text: string): string {
  return `“${text}”`;
}
