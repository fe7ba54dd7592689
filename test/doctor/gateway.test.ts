import test from 'ava';
import { foreign, gatewayOf } from '../../src/doctor/gateway.ts';

/* Answers as these products give them by themselves, without a node behind them. */

type Headers = Record<string, string>;
const html = (headers: Headers = {}): Headers => ({ 'content-type': 'text/html', ...headers });
const plain = (headers: Headers = {}): Headers => ({ 'content-type': 'text/plain', ...headers });

for (const [name, status, headers, text] of [
  ['AWS Application Load Balancer', 502, html({ server: 'awselb/2.0' }), '<h1>502 Bad Gateway</h1>'],
  ['Amazon CloudFront', 502, html({ server: 'CloudFront', 'x-cache': 'Error from cloudfront' }), ''],
  ['Amazon CloudFront', 504, html({ via: '1.1 abc.cloudfront.net (CloudFront)' }), ''],
  ['Amazon API Gateway', 503, { 'x-amz-apigw-id': 'abc=' }, '{"message":"Service Unavailable"}'],
  [
    'HAProxy',
    503,
    html({ 'cache-control': 'no-cache' }),
    '<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>',
  ],
  [
    'HAProxy',
    502,
    html(),
    '<html><body><h1>502 Bad Gateway</h1>\nThe server returned an invalid or incomplete response.\n</body></html>',
  ],
  [
    'HAProxy',
    504,
    html(),
    "<html><body><h1>504 Gateway Time-out</h1>\nThe server didn't respond in time.\n</body></html>",
  ],
  ['nginx', 504, html({ server: 'nginx/1.26.2' }), '<center>nginx/1.26.2</center>'],
  ['nginx', 502, html(), '<hr><center>nginx</center>'],
  ['Envoy', 503, plain({ server: 'envoy' }), 'no healthy upstream'],
  ['Envoy', 503, plain(), 'upstream connect error or disconnect/reset before headers. reset reason: …'],
  ['Envoy', 504, plain(), 'upstream request timeout'],
  ['Traefik', 503, plain(), 'no available server\n'],
  ['Apache httpd', 503, html({ server: 'Apache/2.4.62 (Debian)' }), ''],
  ['Varnish', 503, html({ via: '1.1 varnish (Varnish/7.1)' }), 'Backend fetch failed'],
  ['Google Cloud load balancer', 502, html({ via: '1.1 google' }), ''],
  ['Azure Application Gateway', 502, html({ server: 'Microsoft-Azure-Application-Gateway/v2' }), ''],
  ['Azure Front Door', 503, html({ 'x-azure-ref': '20261129T' }), ''],
  ['Cloudflare', 522, html({ server: 'cloudflare', 'cf-ray': '8f' }), ''],
  ['F5 BIG-IP', 403, html(), 'The requested URL was rejected. Please consult with your administrator.'],
  ['Squid', 503, html({ 'x-squid-error': 'ERR_CONNECT_FAIL 111' }), ''],
] as [string, number, Headers, string][])
  test(`${status} of ${name} is known by ${JSON.stringify(headers)} ${text.slice(0, 60)}`, (t) => {
    t.is(gatewayOf({ headers, text })?.name, name);
  });

test('a gateway that does not say what it is is a gateway by its status', (t) => {
  const answer = (status: number) => ({
    status,
    headers: html(),
    text: '',
    json: undefined,
    took: 1,
    socket: undefined,
  });
  for (const [status, cause] of [
    [502, /got no valid answer.*HTTPS.*certificate/s],
    [503, /no healthy node.*health check.*GET \/ /s],
    [504, /did not answer it in time.*firewall/s],
    [521, /no healthy node/],
    [524, /did not answer it in time/],
    [526, /got no valid answer/],
  ] as [number, RegExp][]) {
    const { seen, remediation, data } = foreign(answer(status));
    t.regex(seen, /a load balancer or gateway in between/, String(status));
    t.regex(remediation, cause);
    t.regex(remediation, /--connect/);
    t.is(data['gateway'], null);
  }
  t.regex(foreign(answer(200)).remediation, /something else than Holdfast/);
});

test('what a gateway writes of itself goes to the terminal only in part, and printable', (t) => {
  const headers = { server: `nginx/${'x'.repeat(500)}\u001b[31m` };
  const by = gatewayOf({ headers, text: '' })?.by ?? '';
  t.true(by.length < 80);
  t.false(by.includes('\u001b'));
});
