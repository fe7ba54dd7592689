import { lookup, Resolver } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { ok, problem, skipped, warning, type Finding } from './finding.ts';
import type { DoctorOptions, Endpoint } from './options.ts';

export interface NameFindings {
  findings: Finding[];
  /** IPv4 addresses to go to, none where the name does not resolve. */
  addresses: string[];
}

/** Top-level names that no public DNS has (RFC 6761, RFC 6762, RFC 8375, RFC 9476 and common in-house ones). */
const reserved =
  /(?:^|\.)(?:localhost|local|internal|test|example|invalid|alt|onion|lan|corp|home|private|intranet|home\.arpa)$/i;
const oneLabel = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/i;

/** Looks the endpoint's name up as AWS KMS would. */
export async function examineName(
  endpoint: Endpoint,
  options: Pick<DoctorOptions, 'connect' | 'vpc' | 'nameServer' | 'timeout'>,
): Promise<NameFindings> {
  const { host } = endpoint;
  const findings = [qualified(host, options.vpc === true)];
  if (options.connect !== undefined) {
    const why = 'the doctor was given the address to use (--connect)';
    findings.push(skipped('name.resolves', why, 'leave --connect out'), skipped('name.ipv4', why));
    findings.push(skipped('name.public', why), ...(await vpcFindings(host, options)));
    return { findings, addresses: [options.connect.address] };
  }
  if (isIP(host) !== 0) {
    findings.push(skipped('name.resolves', 'the endpoint is an address'));
    findings.push(
      ipv4(
        [host].filter((address) => isIP(address) === 4),
        isIP(host) === 6 ? 1 : 0,
      ),
    );
    findings.push(publicAddress([host], options.vpc === true), ...(await vpcFindings(host, options)));
    return { findings, addresses: [host] };
  }
  const found = await resolve(host, options);
  const { a, aaaa } = found;
  const seen = `${host} is ${[...a, ...aaaa].join(', ')}`;
  if (a.length + aaaa.length === 0) {
    // The private name of a VPC endpoint service is known within the VPC alone.
    const say = options.vpc === true ? warning : problem;
    findings.push(
      say(
        'name.resolves',
        `${host}: ${found.why}`,
        options.vpc === true
          ? 'run the doctor inside the VPC, or name the load balancer with --connect'
          : 'an A record for the name in public DNS; see: dig A NAME @1.1.1.1',
      ),
    );
  } else if (found.onlyHere)
    findings.push(
      warning(
        'name.resolves',
        `${seen} on this machine only (hosts file or the like): the name server ${found.why}`,
        'an A record in public DNS; AWS does not read your hosts file',
        { data: { addresses: [...a, ...aaaa] } },
      ),
    );
  else findings.push(ok('name.resolves', seen, { data: { addresses: [...a, ...aaaa] } }));
  if (a.length + aaaa.length > 0) {
    findings.push(ipv4(a, aaaa.length));
    if (a.length > 0) findings.push(publicAddress(a, options.vpc === true));
  }
  findings.push(...(await vpcFindings(host, options)));
  return { findings, addresses: a };
}

function qualified(host: string, vpc: boolean): Finding {
  if (isIP(host) !== 0)
    return problem('name.qualified', 'the endpoint is an IP address', 'a DNS name, and a certificate for it');
  const labels = host.split('.');
  if (labels.length < 2 || !labels.every((label) => oneLabel.test(label)))
    return problem(
      'name.qualified',
      `${host} is not a fully qualified name`,
      'the name with its domain, such as xks.example.com, as XksProxyUriEndpoint',
    );
  if (vpc && labels.length < 3)
    return problem(
      'name.qualified',
      `${host} is not a subdomain`,
      'a private DNS name below a public domain, such as xks-private.example.com',
      { code: 'XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION' },
    );
  if (reserved.test(host))
    return warning(
      'name.qualified',
      `${host} is under a domain that public DNS never has`,
      'a name in a domain of your own that is in public DNS',
    );
  return ok('name.qualified', host);
}

function ipv4(a: readonly string[], aaaa: number): Finding {
  return a.length > 0
    ? ok('name.ipv4', a.join(', '), { data: { addresses: a } })
    : problem(
        'name.ipv4',
        `only IPv6 addresses (${aaaa})`,
        'an A record; an AAAA record beside it does no harm',
      );
}

/** Not reachable from the internet (IANA special-purpose address registry). */
const special = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  special.addSubnet(network, bits, 'ipv4');

export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

function publicAddress(addresses: readonly string[], vpc: boolean): Finding {
  if (vpc) return skipped('name.public', 'a VPC endpoint service has private addresses');
  const hidden = addresses.filter((address) => isIP(address) === 4 && special.check(address, 'ipv4'));
  return hidden.length === 0
    ? ok('name.public', addresses.join(', '))
    : problem(
        'name.public',
        `${hidden.join(', ')} cannot be reached over the internet`,
        'a public address; or VPC_ENDPOINT_SERVICE connectivity, and the doctor with --vpc; if this machine gets another answer than the world does, --name-server 1.1.1.1',
        { data: { addresses: hidden } },
      );
}

async function vpcFindings(
  host: string,
  options: Pick<DoctorOptions, 'vpc' | 'nameServer' | 'timeout'>,
): Promise<Finding[]> {
  if (options.vpc !== true) return [];
  const parents = host
    .split('.')
    .slice(1)
    .map((_, index, rest) => rest.slice(index).join('.'))
    .filter((name) => name.includes('.'));
  const resolver = resolverOf(options);
  let domain: string | undefined;
  let unasked = false;
  for (const parent of parents)
    try {
      await resolver.resolveSoa(parent);
      domain = parent;
      break;
    } catch (error) {
      unasked ||= isUnanswered(error);
    }
  const remediation =
    'aws ec2 describe-vpc-endpoint-service-configurations shows PrivateDnsNameConfiguration, with the TXT record to set and its State, which must be verified';
  const found =
    domain !== undefined
      ? ok(
          'name.vpc-domain',
          `${host} is below the public domain ${domain}; ownership cannot be seen from here`,
        )
      : unasked
        ? skipped('name.vpc-domain', 'the name server does not answer', remediation)
        : problem('name.vpc-domain', `public DNS has no domain above ${host}`, remediation);
  return [found, skipped('name.vpc-service', 'only AWS can tell, not the proxy', remediation)];
}

function resolverOf({ nameServer, timeout }: Pick<DoctorOptions, 'nameServer' | 'timeout'>): Resolver {
  const resolver = new Resolver({ timeout: Math.min(timeout ?? 2000, 2000), tries: 2 });
  if (nameServer !== undefined) resolver.setServers([nameServer]);
  return resolver;
}

async function resolve(
  host: string,
  options: Pick<DoctorOptions, 'nameServer' | 'timeout'>,
): Promise<{ a: string[]; aaaa: string[]; onlyHere: boolean; why: string }> {
  const resolver = resolverOf(options);
  let why = 'has no address for it';
  const ask = async (question: Promise<string[]>) =>
    question.catch((error: unknown) => {
      if (isUnanswered(error)) why = 'does not answer';
      return [];
    });
  const [a, aaaa] = await Promise.all([ask(resolver.resolve4(host)), ask(resolver.resolve6(host))]);
  const max = 8;
  if (a.length + aaaa.length > 0 || options.nameServer !== undefined)
    return { a: a.slice(0, max), aaaa: aaaa.slice(0, max), onlyHere: false, why: `the name server ${why}` };
  const local = await lookup(host, { all: true }).catch(() => []);
  const of = (family: number) => [
    ...new Set(local.filter((one) => one.family === family).map(({ address }) => address)),
  ];
  return local.length === 0
    ? { a, aaaa, onlyHere: false, why: `the name server ${why}` }
    : { a: of(4), aaaa: of(6), onlyHere: true, why };
}

function isUnanswered(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException;
  return !['ENOTFOUND', 'ENODATA', 'EBADNAME'].includes(code);
}
