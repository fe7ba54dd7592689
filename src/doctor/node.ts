import type { X509Certificate } from 'node:crypto';
import { counted } from '../counted.ts';
import { nodeDirectories, type LoadedConfig } from '../config/load.ts';
import { asOwner } from '../store/owner.ts';
import { countLost } from '../store/lost-changes.ts';
import { openStore, openStoreToRead, placeInWords } from '../store/opening/open.ts';
import { StoreError } from '../store/store-error.ts';
import { readCertificates, same } from './chain.ts';
import { ConnectionFailure, authorityOf, openTls, type Target } from './connection.ts';
import { Exchanger } from './exchange.ts';
import { ok, problem, skipped, warning, type Finding } from './finding.ts';
import { examineCoreDumps, examineTimeSync } from './machine.ts';
import { examineDisk, examineModes, readText } from './node-files.ts';
import type { Address, NodeOptions } from './options.ts';
import { inWords } from './reach.ts';

/** How long a look at the store may take, milliseconds. */
const storeTimeout = 60_000;

/** Everything that only the node itself can tell. */
export async function* examineNode(
  { config, verifyTokens }: NodeOptions,
  timeout: number,
  connect: Address | undefined,
): AsyncGenerator<Finding> {
  if ('problems' in config) {
    for (const one of config.problems)
      yield problem('node.configuration', one, 'correct it, then run holdfast serve --check');
    return;
  }
  yield ok('node.configuration', config.file);
  yield config.xks.port === 443
    ? ok('node.port', '443')
    : warning(
        'node.port',
        config.xks.port === 0 ? 'any free port' : String(config.xks.port),
        'xks.port = 443, or a load balancer that takes 443 and passes it on',
        { data: { port: config.xks.port } },
      );
  yield* examineModes(config);
  yield examineDisk(config);
  yield await examineStore(config);
  yield examineCoreDumps(config);
  const listener = listenerOf(config, timeout, connect);
  yield await examineServedCertificate(config, listener);
  yield await examineTimeSync(timeout);
  yield* await examineTokens(verifyTokens, listener);
}

async function examineStore(config: LoadedConfig): Promise<Finding> {
  if (config.store.kind === 'postgres') return examineDatabase(config.store);
  const { checkStore } = await import('../store/sqlite/integrity.ts');
  try {
    const { damages, schema, altered } = await asOwner(nodeDirectories(config), async () =>
      checkStore(config.storePath, storeTimeout),
    );
    if (damages.length > 0)
      return problem(
        'node.store',
        `SQLite finds ${damages.length === 10 ? '10 or more' : damages.length} damages`,
        'stop the node, keep the file, restore the newest backup (docs/backup.md), and look at the disk',
      );
    if (altered.length > 0)
      return problem(
        'node.store',
        `somebody has changed its schema: ${altered.slice(0, 10).join('; ')}`,
        'find out who, and since when: what the store says since then may be false (docs/backup.md)',
        { data: { altered } },
      );
    if (schema === 'this')
      return (
        (await examineLoss(config)) ??
        ok('node.store', 'SQLite finds no damage; the schema is this version’s')
      );
    return schema === 'older'
      ? problem(
          'node.store',
          'the schema is of an older version of Holdfast',
          'stop the node, make a backup, then: holdfast init',
        )
      : problem(
          'node.store',
          'the schema is of a newer version of Holdfast',
          'start the newer version, or put back the backup from before the upgrade (docs/backup.md)',
        );
  } catch (error) {
    return problem(
      'node.store',
      `${config.storePath}: ${(error as Error).message}`,
      error instanceof StoreError
        ? error.remediation
        : 'run holdfast init if there is none yet; otherwise run the doctor as the node’s user, and check the disk',
    );
  }
}

/** Of a file: undefined where it has lost nothing that is undecided. */
async function examineLoss(config: LoadedConfig): Promise<Finding | undefined> {
  const lost = await asOwner(nodeDirectories(config), async () => {
    const store = await openStoreToRead(config.store);
    try {
      return (await countLost(store.db)).lost;
    } finally {
      await store.close();
    }
  });
  return lost === 0 ? undefined : wentBack(lost);
}

function wentBack(lost: number): Finding {
  return problem(
    'node.store',
    `it has gone back in time and lost ${counted(lost, 'change')}: what they took away stays so, and nothing else is changed until somebody has decided on them`,
    'holdfast lost-change list, then apply or leave them (docs/fleet.md)',
    { data: { lostChanges: lost } },
  );
}

/** Whether it can be reached, is of this version, and keeps what is claimed of it. */
async function examineDatabase(
  place: Extract<LoadedConfig['store'], { kind: 'postgres' }>,
): Promise<Finding> {
  try {
    const store = await openStore(place);
    const { durabilityProblems = [] } = store;
    const { lost } = await countLost(store.db);
    await store.close();
    if (lost > 0) return wentBack(lost);
    const claim = `as claimed (${place.durability})`;
    return durabilityProblems.length === 0
      ? ok(
          'node.store',
          `${placeInWords(place)}: the schema is this version’s; it keeps what it acknowledges ${claim}`,
        )
      : problem(
          'node.store',
          `${placeInWords(place)}: it does not keep what it acknowledges ${claim}: ${durabilityProblems.join('; ')}`,
          'set the database server so, or tell what it is for true in store.durability: docs/fleet.md',
          { data: { durability: durabilityProblems } },
        );
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return problem('node.store', error.message, error.remediation);
  }
}

/** Where the node itself listens, from this machine; or where the doctor was told to go. */
function listenerOf(config: LoadedConfig, timeout: number, connect: Address | undefined): Target | undefined {
  const { address, port } = config.xks;
  if (port === 0 && connect === undefined) return undefined;
  const everywhere = address === '0.0.0.0' || address === '::';
  const to = connect ?? { address: everywhere ? '127.0.0.1' : address, port };
  const leaf = leafOf(config);
  const host = /DNS:([^,\s]+)/.exec(leaf?.subjectAltName ?? '')?.[1] ?? 'localhost';
  return { host, port: 443, to, client: undefined, timeout };
}

function leafOf(config: LoadedConfig): X509Certificate | undefined {
  try {
    return readCertificates(readText(config.xks.tls.certificate) ?? '')[0];
  } catch {
    return undefined;
  }
}

async function examineServedCertificate(config: LoadedConfig, target: Target | undefined): Promise<Finding> {
  const remediation =
    'systemctl reload holdfast; the log line TLS certificate not changed says what is wrong with new files';
  const leaf = leafOf(config);
  if (leaf === undefined)
    return problem(
      'node.certificate',
      `${config.xks.tls.certificate} has no certificate that can be read`,
      'the PEM file with certificate and chain',
    );
  if (target === undefined)
    return skipped('node.certificate', 'the configuration leaves the port to the system (xks.port = 0)');
  try {
    const { socket } = await openTls(target);
    const served = socket.getPeerX509Certificate();
    socket.destroy();
    if (served === undefined) return skipped('node.certificate', 'no certificate was served');
    const until = new Date(served.validTo).toISOString().slice(0, 10);
    return same(leaf, served)
      ? ok('node.certificate', `the same, until ${until}`)
      : problem(
          'node.certificate',
          `another one is served (until ${until}) than is in the file`,
          remediation,
        );
  } catch (error) {
    if (!(error instanceof ConnectionFailure)) throw error;
    return skipped(
      'node.certificate',
      `the node ${inWords(error.code)}`,
      'run the doctor while the node serves',
    );
  }
}

async function examineTokens(
  verifyTokens: NodeOptions['verifyTokens'],
  listener: Target | undefined,
): Promise<Finding[]> {
  const verdicts = await verifyTokens?.();
  if (Array.isArray(verdicts) && verdicts.length > 0)
    return verdicts.map(({ name, ok: good, detail, remediation }) =>
      good
        ? ok('node.tokens', detail, { subject: name })
        : problem('node.tokens', detail, remediation ?? 'holdfast token verify', { subject: name }),
    );
  const [why, remediation] =
    verdicts === undefined || Array.isArray(verdicts)
      ? ['not verified', 'holdfast login as an administrator of the appliance, then again']
      : [verdicts.notAsked, verdicts.remediation];
  const ready = await askReady(listener);
  if (ready === undefined) return [skipped('node.tokens', why, remediation)];
  return [
    ready
      ? skipped('node.tokens', `${why}; /ready says that some token can be used`, remediation)
      : problem('node.tokens', 'the worker that answered /ready has no token that can be used', remediation),
  ];
}

/** Undefined where nobody answers, or not to us. */
async function askReady(target: Target | undefined): Promise<boolean | undefined> {
  if (target === undefined) return undefined;
  const exchanger = new Exchanger(target, { keepAlive: false });
  try {
    const { status } = await exchanger.send({
      method: 'GET',
      path: '/ready',
      headers: { host: authorityOf(target) },
    });
    return status === 200 ? true : status === 503 ? false : undefined;
  } catch {
    return undefined;
  } finally {
    exchanger.close();
  }
}
