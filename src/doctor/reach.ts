import { ConnectionFailure, openTcp, openTls, type Target } from './connection.ts';
import { ok, problem, skipped, warning, type Finding } from './finding.ts';

/** Round trips are looked at so often. */
const tries = 5;

/** Port, a TCP connection to each address, and a TLS handshake. `reached` where TLS was spoken. */
// oxlint-disable-next-line max-lines-per-function -- one finding after another
export async function examineReach(
  target: Target,
  addresses: readonly string[],
  connectGiven: boolean,
): Promise<{ findings: Finding[]; reached: boolean }> {
  const findings: Finding[] = [];
  findings.push(
    target.port === 443
      ? ok(
          'connection.port',
          connectGiven && target.to.port !== 443
            ? `443 in the endpoint; tried at ${target.to.port} (--connect)`
            : '443',
        )
      : problem(
          'connection.port',
          `the endpoint has port ${target.port}`,
          'serve on 443 (xks.port), or put what passes 443 on in front; for a test on another port, --connect ADDRESS:PORT',
        ),
  );
  const attempts = await Promise.all(
    addresses.map(async (address) =>
      openTcp({ address, port: target.to.port }, target.timeout).then(
        ({ socket, tcp }) => {
          socket.destroy();
          return { address, tcp, failure: undefined };
        },
        (failure: unknown) => ({ address, tcp: 0, failure: failure as ConnectionFailure }),
      ),
    ),
  );
  const dead = attempts.filter(({ failure }) => failure !== undefined);
  if (dead.length > 0) {
    const seen = dead
      .map(({ address, failure }) => `${address}:${target.to.port} ${inWords(failure?.code ?? '')}`)
      .join('; ');
    findings.push(
      problem(
        'connection.tcp',
        seen,
        'is the node up (systemctl status holdfast), is the port open in every firewall on the way, does the load balancer see the node as healthy?',
        { code: dead.length < attempts.length ? 'NETWORK_ERRORS' : 'XKS_PROXY_NOT_REACHABLE' },
      ),
    );
  } else {
    const slowest = Math.max(...attempts.map(({ tcp }) => tcp));
    findings.push(
      ok('connection.tcp', `${attempts.length} of ${attempts.length}, ${ms(slowest)} at the most`, {
        data: { milliseconds: round(slowest), addresses: attempts.length },
      }),
    );
  }
  const alive = attempts.find(({ failure }) => failure === undefined);
  if (alive === undefined) {
    findings.push(skipped('connection.tls', 'there is no TCP connection'));
    return { findings, reached: false };
  }
  target.to = { ...target.to, address: alive.address };
  const { finding, reached } = await examineHandshake(target);
  findings.push(finding);
  return { findings, reached };
}

async function examineHandshake(target: Target): Promise<{ finding: Finding; reached: boolean }> {
  const times: number[] = [];
  let broken = 0;
  let failure: ConnectionFailure | undefined;
  for (let attempt = 0; attempt < tries; attempt++)
    try {
      const { socket, tls } = await openTls(target);
      socket.destroy();
      times.push(tls);
    } catch (error) {
      if (!(error instanceof ConnectionFailure)) throw error;
      failure = error;
      broken += 1;
      // One that takes too long would do so five times.
      if (error.code === 'ETIMEDOUT') break;
    }
  const median = times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];
  if (median === undefined)
    return {
      finding: problem(
        'connection.tls',
        `no TLS connection could be made: ${inWords(failure?.code ?? '')}`,
        'is it an HTTPS port, and the certificate and key in use (journalctl -u holdfast, TLS)? Does something in between intercept?',
        failure?.code === 'ETIMEDOUT' ? { code: 'XKS_PROXY_TIMED_OUT' } : {},
      ),
      reached: false,
    };
  const data = { medianMilliseconds: round(median), attempts: times.length + broken, failed: broken };
  if (broken > 0)
    return {
      finding: problem(
        'connection.tls',
        `${broken} of ${times.length + broken} handshakes failed: ${inWords(failure?.code ?? '')}`,
        'one of several servers behind the address is unhealthy, or something in between cuts connections',
        { data, code: 'NETWORK_ERRORS' },
      ),
      reached: true,
    };
  return {
    finding:
      median > 100
        ? warning(
            'connection.tls',
            `${ms(median)} in the middle of ${times.length}`,
            'a server nearer to the AWS Region; an EC certificate instead of RSA 4096; is the node busy?',
            { data },
          )
        : ok('connection.tls', `${ms(median)} in the middle of ${times.length}`, { data }),
    reached: true,
  };
}

const words: Record<string, string> = {
  ECONNREFUSED: 'refuses connections: nothing listens there',
  ETIMEDOUT: 'does not answer in time',
  ECONNRESET: 'cuts the connection',
  EHOSTUNREACH: 'cannot be reached: no route',
  ENETUNREACH: 'cannot be reached: no route',
  ERR_SSL_WRONG_VERSION_NUMBER: 'does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'does not speak TLS',
  EPROTO: 'does not speak TLS as AWS does',
};

/** A code of Node or OpenSSL as words. */
export function inWords(code: string): string {
  return words[code] ?? code;
}

export function ms(milliseconds: number): string {
  return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}

/** Milliseconds with one decimal, for programs. */
export function round(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
