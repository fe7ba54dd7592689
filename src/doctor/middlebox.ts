import { hash, randomBytes } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { wallClock } from '../clock.ts';
import { proveEcho } from '../sigv4/echo-proof.ts';
import { prefixOf } from './console-file.ts';
import { ConnectionFailure } from './connection.ts';
import { sendHttp2, type Answer, type Sent } from './exchange.ts';
import { ok, problem, skipped, warning, type Finding } from './finding.ts';
import { inWords } from './reach.ts';
import { told, type XksCaller } from './xks-call.ts';

/*
 * What a proxy in between does to requests. The doctor sends one whose sender is proven in its body, and the node
 * answers what arrived of it (http/echo.ts): changed headers cannot break the proof, so they can be named.
 */

/** What the node says that arrived; see http/echo.ts. */
interface Echo {
  time: string;
  version: string;
  target: string;
  headers: [name: string, value: string | null][];
  remote: string;
  tls: { version: string; suite: string; binding: string };
  signature: { verified: boolean; reason: string | null };
}

export interface EchoFacts {
  findings: Finding[];
  /** What to add to this machine's clock to have the node's, milliseconds; undefined where no echo came. */
  clockOffset: number | undefined;
  /** The credential's secret is right: the echo was answered. */
  proven: boolean;
  /** The path does not arrive as it was sent. */
  rewritten: boolean;
}

/** Letters, digits and signs that external key ids may have: whatever folds or decodes paths shows here. */
const strangeSegment = 'Az.0-_9..Z';
/** Set by HTTP itself, between each two that speak it. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'te',
  'upgrade',
  'content-length',
]);
/** Without these as sent every request is refused. */
const essential = new Set(['host', 'x-amz-date', 'authorization', 'content-type']);

const leaveAlone =
  'let what stands in between pass TCP through; or have it hand on method, path, Host and all headers unchanged (docs/operations.md, Load balancers)';

/** Asks for an echo over HTTP/1.1, and over HTTP/2 where that is spoken. */
export async function examineMiddlebox(caller: XksCaller, http2: boolean): Promise<EchoFacts> {
  const one = await askEcho(caller, (sent) => caller.exchanger.send(sent));
  if ('why' in one)
    return { findings: one.findings, clockOffset: undefined, proven: false, rewritten: false };
  const two = http2 ? await askEcho(caller, (sent) => sendHttp2(caller.exchanger.target, sent)) : undefined;
  const runs = [one, ...(two !== undefined && 'echo' in two ? [two] : [])];
  return {
    findings: [pathFinding(runs), headerFinding(runs), tlsFinding(one)],
    clockOffset: one.clockOffset,
    proven: true,
    rewritten: runs.some(isRewritten),
  };
}

interface Run {
  sent: Sent;
  echo: Echo;
  clockOffset: number;
  ownBinding: string | undefined;
  protocol: string;
}

async function askEcho(
  caller: XksCaller,
  send: (sent: Sent) => Promise<Answer>,
): Promise<Run | { why: string; findings: Finding[] }> {
  const { accessKeyId, secret } = caller.credential;
  const path = `${prefixOf(caller.credential)}/holdfast/v1/echo/${strangeSegment}`;
  const nonce = randomBytes(24).toString('base64url');
  const began = wallClock().getTime();
  const time = new Date(began + caller.clockOffset).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const claim = { accessKeyId, nonce, time };
  const body = { ...claim, proof: proveEcho(claim, secret.reveal()) };
  const signed = await caller.sign(path, body);
  const sent = {
    ...signed,
    headers: { ...signed.headers, accept: 'application/json', 'x-holdfast-doctor': nonce },
  };
  let answer: Answer;
  try {
    answer = await send(sent);
  } catch (error) {
    if (!(error instanceof ConnectionFailure)) throw error;
    return notAnswered(`the echo ended: ${inWords(error.code)}`);
  }
  const echo = answer.json as Echo | undefined;
  if (answer.status !== 200 || typeof echo !== 'object' || !Array.isArray(echo.headers))
    return notAnswered(`no echo came: ${told(answer)}`);
  return {
    sent,
    echo,
    // Half of the time there and back is the best guess of when it was written.
    clockOffset: Date.parse(echo.time) - (began + answer.took / 2),
    ownBinding: bindingOf(answer.socket),
    protocol: answer.socket?.alpnProtocol === 'h2' ? 'HTTP/2' : 'HTTP/1.1',
  };
}

function notAnswered(why: string): { why: string; findings: Finding[] } {
  const remediation =
    'if the credential below is refused too, it is wrong, or the clocks are; a node older than this doctor, or another product, has no echo';
  return {
    why,
    findings: (['middlebox.path', 'middlebox.headers', 'middlebox.tls'] as const).map((id) =>
      skipped(id, why, remediation),
    ),
  };
}

function isRewritten({ sent, echo }: Run): boolean {
  return echo.target !== sent.path;
}

function pathFinding(runs: Run[]): Finding {
  const changed = runs.find(isRewritten);
  if (changed === undefined) return ok('middlebox.path', runs.map(({ protocol }) => protocol).join(', '));
  const [sent, arrived] = [changed.sent.path, clean(changed.echo.target)];
  const change = changeOf(sent, arrived);
  return problem('middlebox.path', `sent ${sent}, arrived ${arrived}: ${change}`, leaveAlone, {
    data: { sent, arrived, change },
  });
}

/** What was done to a path on its way, for people. */
function changeOf(sent: string, arrived: string): string {
  if (arrived === sent.toUpperCase()) return 'lower-case letters were changed to upper case';
  if (arrived === sent.toLowerCase()) return 'upper-case letters were changed to lower case';
  if (arrived.toLowerCase() === sent.toLowerCase()) return 'the case of letters was changed';
  if (arrived.endsWith(sent)) return `“${arrived.slice(0, -sent.length)}” was added in front of it`;
  if (arrived.startsWith(sent)) return `“${arrived.slice(sent.length)}” was appended to it`;
  if (arrived !== '' && sent.endsWith(arrived))
    return `“${sent.slice(0, -arrived.length)}” was removed from its beginning`;
  if (decoded(arrived) === sent) return 'characters were percent-encoded';
  return 'it is another path altogether';
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

interface Difference {
  name: string;
  what: 'changed' | 'dropped' | 'added' | 'doubled';
  arrived: string;
}

function headerFinding(runs: Run[]): Finding {
  const differences = runs.flatMap(differencesOf);
  const unique = [...new Map(differences.map((one) => [`${one.what} ${one.name}`, one])).values()];
  const bad = unique.filter(({ name, what }) => essential.has(name) && what !== 'added');
  const unverified = runs.find(({ echo }) => !echo.signature.verified);
  const data = {
    changed: namesOf(unique, 'changed'),
    dropped: namesOf(unique, 'dropped'),
    added: namesOf(unique, 'added'),
    doubled: namesOf(unique, 'doubled'),
    signatureVerified: unverified === undefined,
    signatureReason: unverified?.echo.signature.reason ?? null,
  };
  if (unverified !== undefined || bad.length > 0)
    return problem(
      'middlebox.headers',
      [
        unique.length === 0 ? 'all headers arrived, but the signature is not verified' : sentences(unique),
        ...(unverified === undefined
          ? []
          : [`the signature is refused: ${unverified.echo.signature.reason}`]),
      ].join('; '),
      leaveAlone,
      { data },
    );
  if (unique.length > 0)
    return warning(
      'middlebox.headers',
      `${sentences(unique)}; the signature holds`,
      'something in between reads and writes requests; it does no harm as long as it leaves Host, X-Amz-Date, Authorization and Content-Type alone',
      { data },
    );
  return ok('middlebox.headers', `all as sent; the signature of the echoed request holds`, { data });
}

function differencesOf({ sent, echo }: Run): Difference[] {
  const arrived = new Map<string, (string | null)[]>();
  for (const [name, value] of echo.headers) {
    // Over HTTP/2 the authority is the host.
    const key = name === ':authority' ? 'host' : name.toLowerCase();
    if (!key.startsWith(':')) arrived.set(key, [...(arrived.get(key) ?? []), value]);
  }
  const differences: Difference[] = [];
  for (const [name, value] of Object.entries(sent.headers)) {
    const values = arrived.get(name);
    if (values === undefined) differences.push({ name, what: 'dropped', arrived: '' });
    else if (values.length > 1) differences.push({ name, what: 'doubled', arrived: '' });
    // What the node does not show it has verified, or not.
    else if (values[0] !== null && values[0] !== value)
      differences.push({ name, what: 'changed', arrived: values[0] ?? '' });
  }
  for (const [name, values] of arrived)
    if (!(name in sent.headers) && !hopByHop.has(name))
      differences.push({ name, what: 'added', arrived: values[0] ?? '' });
  return differences;
}

function sentences(differences: Difference[]): string {
  return differences
    .map(({ name, what, arrived }) =>
      what === 'changed' || what === 'added' ? `${name} ${what} (${clean(arrived)})` : `${name} ${what}`,
    )
    .join(', ');
}

function namesOf(differences: Difference[], what: Difference['what']): string[] {
  return differences.filter((one) => one.what === what).map(({ name }) => name);
}

/** What strangers wrote, for a terminal and a report. */
function clean(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]/g, '?');
  return plain.length <= 120 ? plain : `${plain.slice(0, 120)}…`;
}

function tlsFinding({ echo, ownBinding }: Run): Finding {
  const { tls, remote, version } = echo;
  const data = { remote, version, tlsVersion: tls.version, suite: tls.suite };
  if (ownBinding === undefined) return skipped('middlebox.tls', 'the connection was closed', null, { data });
  if (ownBinding === tls.binding)
    return ok('middlebox.tls', `${tls.version}, ${tls.suite}; the node sees ${clean(remote)}`, { data });
  return warning(
    'middlebox.tls',
    `TLS is ended in between; the node is spoken to by ${clean(remote)} with ${clean(tls.version)}, ${clean(tls.suite)}`,
    'let it pass TCP through where you can; else it needs certificate, versions and suites as AWS wants them, and sees what AWS sends',
    { data },
  );
}

/** See `tlsBinding` in http/echo.ts: the two ends must agree. */
function bindingOf(socket: TLSSocket | undefined): string | undefined {
  if (socket === undefined || socket.destroyed) return undefined;
  return hash(
    'sha256',
    socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)),
    'base64url',
  );
}
