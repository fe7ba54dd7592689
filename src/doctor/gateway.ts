import type { Answer } from './exchange.ts';
import type { FindingData } from './finding.ts';
import { told } from './xks-call.ts';

/*
 * Answers that are none of Holdfast's: which load balancer, gateway or web server gave them, by what it writes of itself,
 * and what its status means. A network load balancer of AWS is not among them: it passes TCP through and answers nothing.
 */

interface Sign {
  name: string;
  /** A header, and what its value looks like; or the body alone. */
  header?: string;
  pattern: RegExp;
}

/**
 * The surest first: a header that one product alone has goes before `Server` and `Via`, and those before words in the body.
 * Headers and texts are those of the products' own error pages.
 */
const signs: readonly Sign[] = [
  { name: 'AWS Application Load Balancer', header: 'server', pattern: /^awselb\//i },
  { name: 'Amazon CloudFront', header: 'server', pattern: /^cloudfront$/i },
  { name: 'Amazon CloudFront', header: 'x-cache', pattern: /from cloudfront$/i },
  { name: 'Amazon CloudFront', header: 'via', pattern: /\(CloudFront\)/i },
  { name: 'Amazon API Gateway', header: 'x-amz-apigw-id', pattern: /./ },
  { name: 'Cloudflare', header: 'cf-ray', pattern: /./ },
  { name: 'Cloudflare', header: 'server', pattern: /^cloudflare/i },
  { name: 'Azure Application Gateway', header: 'server', pattern: /^Microsoft-Azure-Application-Gateway/i },
  { name: 'Azure Front Door', header: 'x-azure-ref', pattern: /./ },
  { name: 'Google Cloud load balancer', header: 'via', pattern: /\b1\.1 google\b/i },
  { name: 'Akamai', header: 'server', pattern: /^AkamaiGHost/i },
  { name: 'Squid', header: 'x-squid-error', pattern: /./ },
  { name: 'Varnish', header: 'x-varnish', pattern: /./ },
  { name: 'Varnish', header: 'via', pattern: /varnish/i },
  { name: 'Kong', header: 'server', pattern: /^kong\//i },
  { name: 'Envoy', header: 'server', pattern: /^(?:istio-)?envoy$/i },
  { name: 'HAProxy', header: 'server', pattern: /^haproxy/i },
  { name: 'F5 BIG-IP', header: 'server', pattern: /^big-?ip/i },
  { name: 'nginx', header: 'server', pattern: /^(?:nginx|openresty)(?:\/|$)/i },
  { name: 'Apache httpd', header: 'server', pattern: /^apache(?:\/|$)/i },
  { name: 'Caddy', header: 'server', pattern: /^caddy$/i },
  { name: 'Microsoft IIS', header: 'server', pattern: /^Microsoft-(?:IIS|HTTPAPI)/i },
  { name: 'nginx', pattern: /<center>(?:nginx|openresty)[^<]{0,40}<\/center>/i },
  { name: 'HAProxy', pattern: /No server is available to handle this request\./ },
  { name: 'HAProxy', pattern: /The server returned an invalid or incomplete response\./ },
  { name: 'HAProxy', pattern: /The server didn't respond in time\./ },
  { name: 'Envoy', pattern: /^(?:no healthy upstream|upstream request timeout|upstream connect error)/ },
  { name: 'Traefik', pattern: /^no available server\s*$/ },
  { name: 'F5 BIG-IP', pattern: /The requested URL was rejected\. Please consult with your administrator/ },
  { name: 'Apache httpd', pattern: /The proxy server (?:received an invalid|could not handle)/ },
];

export interface Gateway {
  name: string;
  /** What it was known by, such as `Server: awselb/2.0`: printable ASCII, and short. */
  by: string;
}

/** Who gave an answer that is none of Holdfast's; undefined where it does not say. */
export function gatewayOf({ headers, text }: Pick<Answer, 'headers' | 'text'>): Gateway | undefined {
  // More is no error page.
  const body = text.slice(0, 8192).trimStart();
  for (const { name, header, pattern } of signs) {
    const value = header === undefined ? body : headers[header];
    const found = pattern.exec(typeof value === 'string' ? value : '');
    if (found === null) continue;
    if (header === undefined) return { name, by: 'the text of its answer' };
    return { name, by: `${header.replace(/(?:^|-)[a-z]/g, (at) => at.toUpperCase())}: ${clean(value)}` };
  }
  return undefined;
}

function clean(value: unknown): string {
  const plain = String(value).replace(/[^\x20-\x7e]/g, '?');
  return plain.length <= 50 ? plain : `${plain.slice(0, 50)}…`;
}

const pastIt =
  'ask a node past it, holdfast doctor --connect NODE-ADDRESS:PORT: if that is fine, what stands before it is at fault (docs/operations.md, Load balancers)';
const invalid =
  'it reached a node and got no valid answer: does it speak HTTPS to the XKS port, with a version and suite of Holdfast’s? does it trust the node’s certificate? is the node running (systemctl status holdfast)?';
const unhealthy =
  'it has no healthy node to hand requests to: is one registered, on the XKS port? is its health check GET / over HTTPS at that port, with 200 as the answer that counts, and does a firewall or security group let it in? it shows itself why a node is unhealthy';
const late =
  'a node did not answer it in time: does a firewall or security group between it and the node drop packets to the XKS port? does the node hang, or is its token slow (holdfast token verify)? is its own time-out shorter than a second?';

/** What the status of a gateway that answers by itself means; those from 520 on are Cloudflare's. */
const causes: Readonly<Record<number, string>> = {
  502: invalid,
  503: unhealthy,
  504: late,
  520: invalid,
  521: unhealthy,
  522: late,
  523: unhealthy,
  524: late,
  525: invalid,
  526: invalid,
};

/** What was seen, and the way out, of an answer that is none of Holdfast's. */
export function foreign(answer: Answer): { seen: string; remediation: string; data: FindingData } {
  const gateway = gatewayOf(answer);
  const cause = causes[answer.status];
  const data = { status: answer.status, gateway: gateway?.name ?? null };
  const who =
    gateway === undefined
      ? cause === undefined
        ? ''
        : ', from a load balancer or gateway in between that does not say what it is'
      : `, from ${gateway.name} (${gateway.by})`;
  return {
    seen: `${told(answer)}${who}`,
    remediation:
      cause === undefined
        ? `something else than Holdfast answers${gateway === undefined ? '' : `: ${gateway.name}`}; does the name lead to the right machine? does a load balancer, web server or firewall in between answer itself?`
        : `${cause}; ${pastIt}`,
    data,
  };
}
