import { wallClock } from '../clock.ts';
import { checksOf, problem, skipped, type Finding } from './finding.ts';
import type { CheckId } from './catalogue.ts';
import { examineBackup } from './backup.ts';
import { examineCertificate } from './certificate.ts';
import { readCertificates } from './chain.ts';
import { ConnectionFailure, type Target } from './connection.ts';
import { examineClock, examineCredential } from './credential.ts';
import { Exchanger } from './exchange.ts';
import { examineHealth } from './health.ts';
import { examineMiddlebox, type EchoFacts } from './middlebox.ts';
import { examineName } from './name.ts';
import { examineNode } from './node.ts';
import { examineKey, examineUnknownKey } from './operations.ts';
import type { DoctorOptions } from './options.ts';
import { consoleFileRemediation, examinePaths } from './paths.ts';
import { examineHttp, examineMutualTls, examineSuites } from './protocols.ts';
import { examineReach, inWords } from './reach.ts';
import { readSentChain } from './sent-chain.ts';
import { examineLoad, examineTimes } from './times.ts';
import { XksCaller } from './xks-call.ts';

/*
 * From DNS to a decrypted plaintext, one finding after another as it is made. Every check of the catalogue that belongs
 * to what was asked for is among them: what could not be looked at because of an earlier problem says so. Nothing on the
 * proxy is changed: keys encrypt and decrypt random bytes, and that is all.
 */

const defaultTimeout = 5_000;

/** Rejects never for what is wrong at the proxy, only for mistakes of its own. */
export async function* diagnose(options: DoctorOptions): AsyncGenerator<Finding, void> {
  if (options.endpoint !== undefined) yield* examineEndpoint(options);
  const { node, backup, timeout = defaultTimeout } = options;
  if (node !== undefined) {
    const ids = checksOf('node').filter((id) => id !== 'node.backup');
    yield* complete(ids, examineNode(node, timeout, options.connect), 'the configuration cannot be used');
  }
  if (node !== undefined || backup !== undefined) yield examineBackup(backup);
}

async function* examineEndpoint(options: DoctorOptions): AsyncGenerator<Finding, void> {
  const { endpoint, connect, timeout = defaultTimeout } = options;
  if (endpoint === undefined) return;
  const named = await examineName(endpoint, options);
  yield* complete(nameChecks(options), named.findings, 'there is no address');
  const [address] = named.addresses;
  const beyondName = checksOf(
    'connection',
    'certificate',
    'tls',
    'path',
    'middlebox',
    'credential',
    'health',
    'key',
    'time',
  );
  if (address === undefined) return yield* skipAll(beyondName, 'the name does not resolve');

  const target: Target = {
    host: endpoint.host,
    port: endpoint.port,
    to: { address, port: connect?.port ?? endpoint.port },
    client: options.client,
    timeout,
  };
  const reach = await examineReach(target, named.addresses, connect !== undefined);
  yield* complete(checksOf('connection'), reach.findings, '');
  const beyondReach = beyondName.filter((id) => !id.startsWith('connection.'));
  if (!reach.reached) return yield* skipAll(beyondReach, 'no TLS connection could be made');

  yield* complete(
    checksOf('certificate'),
    certificateFindings(target, options),
    'no certificate could be read',
  );
  const mutual = await examineMutualTls(target);
  const beyondTls = checksOf('path', 'middlebox', 'credential', 'health', 'key', 'time');
  const suites = await examineSuites(target);
  if (!mutual.usable) {
    yield* complete(
      checksOf('tls'),
      [...suites, mutual.finding],
      'nothing can be asked without a client certificate',
    );
    return yield* skipAll(beyondTls, 'nothing can be asked without a client certificate');
  }
  const http = await examineHttp(target);
  yield* complete(checksOf('tls'), [...suites, mutual.finding, http], '');
  if (http.level === 'PROBLEM') return yield* skipAll(beyondTls, 'no HTTP exchange was possible');

  const exchanger = new Exchanger(target);
  try {
    yield* examineRequests(options, exchanger, http.data['http2'] === true);
  } finally {
    exchanger.close();
  }
}

function nameChecks({ vpc }: DoctorOptions): CheckId[] {
  return checksOf('name').filter((id) => vpc === true || !id.startsWith('name.vpc'));
}

async function* certificateFindings(target: Target, { vpc, ca }: DoctorOptions): AsyncGenerator<Finding> {
  const given = ca === undefined ? [] : readCertificates(ca);
  yield* examineCertificate(await readSentChain(target), target.host, { vpc, given });
}

/** What is asked over HTTP. */
// oxlint-disable-next-line max-lines-per-function -- one finding after another
async function* examineRequests(
  options: DoctorOptions,
  exchanger: Exchanger,
  http2: boolean,
): AsyncGenerator<Finding, void> {
  const { credential, keys = [], load } = options;
  const broken = 'an answer did not come';
  let byDate: number | undefined;
  const paths = async function* (): AsyncGenerator<Finding> {
    const { headers } = await exchanger.send({
      method: 'GET',
      path: '/ping',
      headers: { host: exchanger.target.host },
    });
    byDate = offsetOf(headers.date);
    yield* examinePaths(exchanger, credential);
  };
  yield* complete(checksOf('path'), paths(), broken);
  const signed = checksOf('middlebox', 'credential', 'health', 'key', 'time').filter(
    (id) => id !== 'credential.clock' && id !== 'time.load',
  );
  if (credential === undefined) {
    yield examineClock(undefined, byDate);
    yield* skipAll(signed, 'no console file was given', consoleFileRemediation);
    return yield* loadFindings(load, undefined, undefined);
  }
  const caller = new XksCaller(exchanger, credential);
  let facts: Omit<EchoFacts, 'findings'> = { clockOffset: undefined, proven: false, rewritten: false };
  const middlebox = async function* (): AsyncGenerator<Finding> {
    // A node whose clock is far off refuses the echo by its time: the Date header says by how much.
    if (byDate !== undefined && Math.abs(byDate) > 150_000) caller.clockOffset = byDate;
    const found = await examineMiddlebox(caller, http2);
    facts = found;
    caller.clockOffset = 0;
    yield* found.findings;
  };
  yield* complete(checksOf('middlebox'), middlebox(), broken);

  let usable = false;
  const access = async function* (): AsyncGenerator<Finding> {
    yield examineClock(facts.clockOffset, byDate);
    const found = await examineCredential(caller, { ...facts, clockOffset: facts.clockOffset ?? byDate });
    ({ usable } = found);
    yield* found.findings;
  };
  yield* complete(checksOf('credential'), access(), broken);
  const rest = checksOf('health', 'key', 'time').filter((id) => id !== 'time.load');
  if (!usable) {
    yield* skipAll(rest, 'the credential is not accepted');
    return yield* loadFindings(load, undefined, undefined);
  }

  const health = async function* (): AsyncGenerator<Finding> {
    yield* examineHealth(await caller.health());
  };
  yield* complete(checksOf('health'), health(), broken);
  yield* complete(checksOf('key'), keyFindings(caller, keys), broken);
  const [key] = keys;
  const times = async function* (): AsyncGenerator<Finding> {
    yield* await examineTimes(caller, key);
  };
  yield* complete(['time.requests', 'time.connection'], times(), broken);
  yield* loadFindings(load, caller, key);
}

/** What to add to this machine's clock, by a Date header that has just come; it is cut off to the second. */
function offsetOf(date: string | undefined): number | undefined {
  const moment = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(moment) ? undefined : moment + 500 - wallClock().getTime();
}

async function* keyFindings(caller: XksCaller, keys: readonly string[]): AsyncGenerator<Finding> {
  for (const key of keys) yield* examineKey(caller, key);
  if (keys.length === 0)
    for (const id of checksOf('key'))
      if (id !== 'key.unknown')
        yield skipped(id, 'no key was given', 'holdfast doctor --key EXTERNAL-KEY-ID');
  yield await examineUnknownKey(caller);
}

/** Only where it was asked for. */
async function* loadFindings(
  load: DoctorOptions['load'],
  caller: XksCaller | undefined,
  key: string | undefined,
): AsyncGenerator<Finding> {
  if (load === undefined) {
    yield skipped('time.load', 'not asked for', 'holdfast doctor --key ID --load RATE --for SECONDS');
    return;
  }
  const run = async function* (): AsyncGenerator<Finding> {
    if (caller !== undefined && key !== undefined) yield await examineLoad(caller, key, load);
  };
  yield* complete(
    ['time.load'],
    run(),
    caller === undefined ? 'no signed request is accepted' : 'no key was given',
  );
}

/**
 * Passes findings on, and adds a SKIPPED for each of `ids` that is not among them. An exchange that fails ends the run of
 * findings: it is a finding itself, of the first check that is still missing.
 */
async function* complete(
  ids: readonly CheckId[],
  findings: AsyncIterable<Finding> | Iterable<Finding>,
  why: string,
): AsyncGenerator<Finding, void> {
  const missing = new Set(ids);
  let last = ids[0];
  let reason = why;
  try {
    for await (const finding of findings) {
      missing.delete(finding.id);
      last = finding.id;
      yield finding;
    }
  } catch (error) {
    if (!(error instanceof ConnectionFailure)) throw error;
    // With several keys all have been there once: it is the one after the last.
    const [first = last] = missing;
    if (first !== undefined) {
      missing.delete(first);
      yield problem(
        first,
        error.code === 'ETIMEDOUT'
          ? 'no answer came in time'
          : `the connection ended: ${inWords(error.code)}`,
        'the node’s log; what stands in between may cut connections',
        { code: error.code === 'ETIMEDOUT' ? 'XKS_PROXY_TIMED_OUT' : 'NETWORK_ERRORS' },
      );
    }
    reason = 'an exchange before it failed';
  }
  yield* skipAll([...missing], reason);
}

function* skipAll(
  ids: readonly CheckId[],
  why: string,
  remediation: string | null = null,
): Generator<Finding> {
  for (const id of ids) yield skipped(id, why, remediation);
}
