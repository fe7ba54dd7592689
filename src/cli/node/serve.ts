import type { Command } from 'commander';
import { drawsIvs } from '../../config/draws-ivs.ts';
import { loadConfig, membersOf, nodeDirectories, type LoadedConfig } from '../../config/load.ts';
import { ConfigError } from '../../config/problem.ts';
import { warningsOf } from '../../config/warnings.ts';
import { problemsOfConfinement } from '../../node/confinement.ts';
import { tlsWarnings } from '../../node/tls/node-tls.ts';
import { openFilesWarnings } from '../../http/open-files.ts';
import { readTokensOnRecord } from '../../keys/own-key-proofs.ts';
import { KnownTokens } from '../../node/known-tokens.ts';
import type { Ports, StartupFailure } from '../../node/supervisor-options.ts';
import { Supervisor } from '../../node/supervisor.ts';
import { hostname } from 'node:os';
import { wallClock } from '../../clock.ts';
import { livesElsewhere } from '../../fleet/nodes.ts';
import { bootId, knownNodeId } from '../../node/node-id.ts';
import type { Store } from '../../store/store.ts';
import { ServiceManager } from '../../node/service-manager.ts';
import { verifyToken } from '../../node/token-verification.ts';
import { type Logger, createLog, logOutput } from '../../log.ts';
import { canBind, isMemoryOpen } from '../../node-process.ts';
import { standardError } from '../../output-sink.ts';
import { openStore, openStoreToRead } from '../../store/opening/open.ts';
import { lockDatabase } from '../../store/opening/lock.ts';
import { StoreError } from '../../store/store-error.ts';
import { dangerOfRoot } from '../../store/owner.ts';
import { checkAtStart } from '../../store/sqlite/start-check.ts';
import { goOnAsOwner } from './as-owner.ts';
import { checkConfiguration } from './configuration-check.ts';
import { globalOptions } from './global-options.ts';
import { exitCodes } from '../output/exit-codes.ts';
import { takeNodeLocks } from './node-locks.ts';
import { pinOf } from './open-node.ts';
import { probePort } from './port-probe.ts';
import { assertNotRefused, knownPins } from './refused-pins.ts';
import { refusedPins } from './unfit-pins.ts';
import { build, version } from '../client/version.ts';
import { note, print } from '../output/streams.ts';

/** `holdfast serve`. */
export async function runServe(input: { check?: boolean }, command: Command): Promise<void> {
  const config = loadConfig(globalOptions(command).config);
  if (input.check === true) return check(config);
  // What is wrong with its files is told before anything else is begun.
  tlsWarnings(config);
  process.exitCode = await serve(config);
}

async function check(config: LoadedConfig): Promise<void> {
  // What root can read the service may not.
  goOnAsOwner(config);
  const { problems, warnings } = await checkConfiguration(config);
  for (const warning of warnings) note(`holdfast: warning: ${warning}`);
  if (problems.length > 0) throw new ConfigError(problems);
  await checkStoreFile(config);
  print(`${config.file}: fine`);
}

/** A store that is not there yet, or not brought up to date, is for `holdfast init`; whatever else is wrong is told. */
async function checkStoreFile(config: LoadedConfig): Promise<void> {
  try {
    const store = await openStoreToRead(config.store);
    try {
      const known = await readTokensOnRecord(store);
      for (const { token, serials } of ivsInDanger(config, (name) => known.get(name)?.serials ?? []))
        note(`holdfast: warning: token ${token} (serial ${serials.join(', ')}): ${wordsOfIvs}`);
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!(error instanceof StoreError) || (error.fault !== 'missing' && error.fault !== 'older')) throw error;
    note(`holdfast: warning: ${error.message}; ${error.remediation}`);
  }
}

/** What would keep the node from serving, told in words before anything of it runs. */
async function checkBeforeStart(config: LoadedConfig, log: Logger): Promise<{ refused: Set<string> }> {
  if (config.store.kind === 'sqlite') checkAtStart(config.store.path, log);
  const refused = await refusedPins(config, log);
  await probePort('xks', config.xks.address, config.xks.port);
  if (config.admin.enabled) await probePort('admin', config.admin.address, config.admin.port);
  return { refused };
}

const wordsOfIvs =
  'keys of this token were seen in several HSMs, and its profile does not say that their IVs are random (iv.random): see docs/profiles.md, HSM groups';

/** Nodes may each have an HSM of their own with the same keys: no configuration shows that, and the store does. */
function ivsInDanger(
  { tokens }: Pick<LoadedConfig, 'tokens'>,
  serialsOf: (token: string) => readonly string[],
): { token: string; serials: readonly string[] }[] {
  return tokens
    .filter(({ moduleProfile }) => !drawsIvs(moduleProfile))
    .map(({ name }) => ({ token: name, serials: serialsOf(name) }))
    .filter(({ serials }) => serials.length > 1);
}

/** A copy of a machine would take the other's work. Throws StoreError. */
async function assertOneOfItsId({ node, store: place }: LoadedConfig, store: Store): Promise<void> {
  const id = knownNodeId(node.state_directory);
  if (id === undefined || place.kind === 'sqlite') return;
  const other = await livesElsewhere(store, { id, hostname: hostname(), boot: bootId(), now: wallClock });
  if (other === undefined) return;
  throw new StoreError(
    'locked',
    `the id of this node (${id}) is that of a node that runs on ${other.hostname} since ${other.started_at}: its state directory is a copy`,
    `remove ${node.state_directory}/node-id, so that this node gets an id of its own; or stop the other`,
  );
}

function problemOf(why: StartupFailure | StoreError): string {
  return why instanceof StoreError ? `${why.message}; ${why.remediation}` : why.problem;
}

/** Undefined where it was told to end. */
function exitCodeOf(why: StartupFailure | StoreError | undefined): number {
  if (why === undefined) return 0;
  // As at a start on it: no service manager is to try it again.
  if (why instanceof StoreError) return exitCodes.configuration;
  return why.pinRefusedBy === undefined ? exitCodes.tokenUnavailable : exitCodes.pinRefused;
}

/**
 * Serves until SIGTERM or SIGINT, or until the store is seen to have been moved while the connection of its lock was lost; resolves with
 * the exit code. `onReady` adds to the ready line, and lines after it; `takeLocks` is for who has the node's locks already, and returns
 * how they are let go of.
 */
// oxlint-disable-next-line max-lines-per-function -- one step of the start after another
export async function serve(
  config: LoadedConfig,
  onReady: (ports: Ports) => string = () => '',
  takeLocks: () => () => void = () => takeNodeLocks(config, 'serve'),
): Promise<number> {
  // Nothing is printed that could wait for a reader or fail: a node serves whether anybody reads it or not.
  const output = logOutput({ process: 'supervisor' });
  const log = createLog(config.log.level, { process: 'supervisor' }, output);
  const manager = ServiceManager.take(process.env, log);
  const wild = problemsOfConfinement(config, process.env);
  if (wild.length > 0) throw new ConfigError(wild);
  const memory = isMemoryOpen() ? 'open' : 'closed';
  log.info({ version: build, node: process.version, config: config.file, memory }, 'holdfast starts');
  // What is wrong with it is told here once, in words, instead of by every worker.
  const store = await openStore(config.store);
  let known;
  try {
    await assertOneOfItsId(config, store);
    known = await KnownTokens.read(store);
  } finally {
    await store.close();
  }
  const releaseLocks = takeLocks();
  const moved = Promise.withResolvers<StoreError>();
  const releaseDatabase = await lockDatabase(config.store, 'serve', {
    onTaken: (problem) =>
      log.error({ problem }, 'a command that works with this database alone has taken it: end this node'),
    onMoved: (error) => {
      log.error(
        { problem: error.message, remediation: error.remediation },
        'the database was moved to elsewhere while the connection of its lock was lost: this node ends',
      );
      moved.resolve(error);
    },
  });
  let refused;
  try {
    ({ refused } = await checkBeforeStart(config, log));
  } catch (error) {
    // The connection that holds the lock would keep this process from ending.
    await releaseDatabase();
    releaseLocks();
    throw error;
  }
  for (const warning of [...warningsOf(config), ...tlsWarnings(config), ...openFilesWarnings(config)])
    log.warn(warning);
  for (const danger of ivsInDanger(config, (name) => known.serialsOf(name))) log.warn(danger, wordsOfIvs);
  const danger = dangerOfRoot(nodeDirectories(config));
  if (danger !== undefined) log.warn(`this node runs as root: ${danger}`);
  if (!canBind)
    log.warn(
      '/usr/bin/setpriv (util-linux) is missing: a process that hangs may outlive this one where it is killed',
    );
  const pins = new Map(
    membersOf(config).map(({ title, token }) => [title, knownPins(config, title, known.has(token))]),
  );
  const supervisor = new Supervisor({
    config,
    log,
    version,
    build,
    pin: pinOf,
    pins: ({ title }) => pins.get(title),
    known,
    refused,
    verifyToken: async (member, settings, gate) =>
      verifyToken(member, settings, gate, async (pin) => assertNotRefused(config, member, pin)),
  });
  supervisor.start();
  void supervisor.listening.then(() =>
    manager?.ready(
      () => supervisor.isWell,
      () => supervisor.status,
    ),
  );
  process.on('SIGHUP', () => {
    const reload = () => supervisor.reload();
    if (manager === undefined) reload();
    else manager.reloading(reload);
  });
  const signal = new Promise<undefined>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const)
      process.on(name, () => {
        log.info({ signal: name }, 'draining');
        resolve(undefined);
      });
  });
  const announce = async () => {
    const ports = await supervisor.ready;
    const management = ports.admin === undefined ? '' : `, management on port ${ports.admin}`;
    output.write(`holdfast ready on port ${ports.xks}${management}${onReady(ports)}\n`);
  };
  void announce();
  const why = await Promise.race([signal, supervisor.startupFailed, moved.promise]);
  manager?.stopping(supervisor.stopsWithin);
  if (why !== undefined) standardError().write(`holdfast: cannot serve: ${problemOf(why)}\n`);
  await supervisor.stop();
  await releaseDatabase();
  releaseLocks();
  await manager?.settled();
  log.info('stopped');
  return exitCodeOf(why);
}
