import { authorityOf, ConnectionFailure, openTls, type Target } from './connection.ts';
import { Exchanger, sendHttp2 } from './exchange.ts';
import { ok, problem, skipped, warning, type Finding } from './finding.ts';
import { inWords } from './reach.ts';

/** XKS spec, API content type: at least one of these. */
const wanted = [
  { version: 'TLSv1.3', suite: 'TLS_AES_256_GCM_SHA384' },
  { version: 'TLSv1.3', suite: 'TLS_CHACHA20_POLY1305_SHA256' },
  { version: 'TLSv1.2', suite: 'ECDHE-RSA-AES256-GCM-SHA384' },
  { version: 'TLSv1.2', suite: 'ECDHE-ECDSA-AES256-GCM-SHA384' },
] as const;

/** So that this machine's own policy does not keep what the server must refuse from being offered. */
const anything = '@SECLEVEL=0';
const others13 = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_128_CCM_SHA256', 'TLS_AES_128_CCM_8_SHA256'];
/** So many are named; a server that takes more has told enough. */
const maxOthers = 12;

type Version = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3';

/** The suites that AWS speaks, and what else the server takes. */
export async function examineSuites(target: Target): Promise<Finding[]> {
  const taken: string[] = [];
  for (const { version, suite } of wanted)
    if ((await negotiate(target, version, suite)) !== undefined) taken.push(suite);
  const others: string[] = [];
  for (const version of ['TLSv1', 'TLSv1.1'] as const) {
    const suite = await negotiate(target, version, `ALL:${anything}`);
    if (suite !== undefined) others.push(`${version} (${suite})`);
  }
  const not = wanted.filter(({ version }) => version === 'TLSv1.2').map(({ suite }) => `!${suite}`);
  for (let more = true; more && others.length < maxOthers;) {
    const suite = await negotiate(target, 'TLSv1.2', ['ALL', 'eNULL', ...not, anything].join(':'));
    more = suite !== undefined;
    if (suite !== undefined) {
      others.push(suite);
      not.push(`!${suite}`);
    }
  }
  for (const suite of others13)
    if ((await negotiate(target, 'TLSv1.3', suite)) !== undefined) others.push(suite);
  return [
    taken.length > 0
      ? ok('tls.suites', taken.join(', '), { data: { suites: taken } })
      : problem(
          'tls.suites',
          'none of the four cipher suites that AWS offers is accepted',
          'TLS 1.2 or 1.3 with an AES-256-GCM suite and ECDHE; what ends TLS in front of the node has settings of its own',
        ),
    others.length === 0
      ? ok('tls.others', 'TLS 1.0, TLS 1.1 and suites that the XKS spec does not name are refused')
      : warning(
          'tls.others',
          `also accepted: ${others.join(', ')}`,
          'leave TLS 1.2 and 1.3 with the four suites of the XKS spec; it is not Holdfast that speaks this, but what stands in front of it',
          { data: { others } },
        ),
  ];
}

/** The suite agreed on; undefined where the server does not take what is offered. */
async function negotiate(target: Target, version: Version, ciphers: string): Promise<string | undefined> {
  try {
    const { socket } = await openTls(target, { minVersion: version, maxVersion: version, ciphers });
    const { name } = socket.getCipher();
    socket.destroy();
    return name;
  } catch (error) {
    if (error instanceof ConnectionFailure) return undefined;
    throw error;
  }
}

/** HTTP/1.1 must be spoken; HTTP/2 may. */
export async function examineHttp(target: Target): Promise<Finding> {
  const sent = { method: 'GET', path: '/ping', headers: { host: authorityOf(target) } };
  const exchanger = new Exchanger(target, { keepAlive: false });
  let http1: string | undefined;
  try {
    await exchanger.send(sent);
  } catch (error) {
    http1 = inWords((error as ConnectionFailure).code);
  } finally {
    exchanger.close();
  }
  if (http1 !== undefined)
    return problem('tls.http', `HTTP/1.1: ${http1}`, 'HTTP/1.1 must be served, also where HTTP/2 is');
  const http2 = await sendHttp2(target, sent).then(
    () => true,
    () => false,
  );
  return ok('tls.http', http2 ? 'HTTP/1.1 and HTTP/2' : 'HTTP/1.1; not HTTP/2, which may be', {
    data: { http1: true, http2 },
  });
}

/** Whether a client certificate is wanted, and refused to those without. `usable` where requests can be sent on. */
export async function examineMutualTls(target: Target): Promise<{ finding: Finding; usable: boolean }> {
  const without = await ping({ ...target, client: undefined });
  if (target.client === undefined) {
    if (without === undefined)
      return { finding: skipped('tls.mutual', 'none was given, and none is required'), usable: true };
    if (/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE/.test(without))
      return {
        finding: problem(
          'tls.mutual',
          'the server wants a client certificate',
          'try again with --client-certificate FILE --client-key FILE; AWS shows one with the common name cks.kms.REGION.amazonaws.com, but has deprecated that',
        ),
        usable: false,
      };
    // The server may close the connection without a reason; the next findings say what comes of it.
    return {
      finding: skipped('tls.mutual', `none was given; a first request ended: ${inWords(without)}`),
      usable: true,
    };
  }
  const withOne = await ping(target);
  if (withOne !== undefined)
    return {
      finding: problem(
        'tls.mutual',
        `the client certificate is refused: ${inWords(withOne)}`,
        'xks.tls.client_ca must be its CA and client_subjects have its common name or a DNS name of it; has it expired?',
      ),
      usable: false,
    };
  return {
    finding:
      without === undefined
        ? warning(
            'tls.mutual',
            'clients without a certificate are served as well',
            'xks.tls.client_ca and client_subjects; or nothing, where the load balancer alone was to have one',
          )
        : ok('tls.mutual', 'with the certificate served, without it refused'),
    usable: true,
  };
}

/** The code of what went wrong; undefined where an answer came. */
async function ping(target: Target): Promise<string | undefined> {
  const exchanger = new Exchanger(target, { keepAlive: false });
  try {
    await exchanger.send({ method: 'GET', path: '/ping', headers: { host: authorityOf(target) } });
    return undefined;
  } catch (error) {
    return (error as ConnectionFailure).code;
  } finally {
    exchanger.close();
  }
}
