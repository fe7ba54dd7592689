import { cp } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { childrenOf, type TestNode } from '../testing/test-node.ts';
import { span, type Blow, type Nemesis } from './blow.ts';
import type { Database } from './database.ts';
import { anotherStore } from './elsewhere.ts';
import { nodeIdIn, sendSignal, type Fleet } from './fleet.ts';
import { killAny, serveAgain } from './kill.ts';
import type { WireState } from './wire.ts';

function someNode({ fleet, random }: Blow): { node: TestNode; index: number } {
  const index = random.between(0, fleet.nodes.length - 1);
  return { node: fleet.node(index), index };
}

async function onWires(blow: Blow, indexes: readonly number[], state: WireState): Promise<void> {
  const ms = span(blow);
  blow.tell(`${indexes.map((index) => `node-${index + 1}`).join(', ')} for ${ms} ms`);
  await blow.fleet.turnWires(indexes, state);
  await delay(ms);
  await blow.fleet.turnWires(indexes, 'open');
}

async function stopped(pids: readonly number[], ms: number): Promise<void> {
  for (const pid of pids) sendSignal(pid, 'SIGSTOP');
  await delay(ms);
  for (const pid of pids) sendSignal(pid, 'SIGCONT');
}

/** The standby stands still, and whatever waits for it is cancelled, for three seconds; whoever calls lets the standby go on. */
async function withoutStandby({ database }: Fleet<Database>): Promise<{ pids: number[]; cancelled: number }> {
  const pids = [database.standby.pid, ...childrenOf(database.standby.pid)];
  for (const pid of pids) sendSignal(pid, 'SIGSTOP');
  let cancelled = 0;
  for (let round = 0; round < 120; round++) {
    await delay(25);
    cancelled += await database.cancelCommits();
  }
  return { pids, cancelled };
}

const everyWire = ({ fleet }: Blow) => fleet.wires.map((_, index) => index);

/** On nodes, and on their ways to the database, whichever that is. */
export const nodeNemeses = {
  'a process is killed': async (blow) => {
    const { node, index } = someNode(blow);
    const { workers, management, hosts } = node.processes();
    const pid = blow.random.pick([...workers, ...management, ...hosts]);
    blow.tell(`node-${index + 1}, process ${pid}`);
    sendSignal(pid, 'SIGKILL');
    await delay(blow.random.between(100, 2_000));
  },

  'a supervisor is killed': async (blow) => {
    const { node, index } = someNode(blow);
    const pids = [node.pid, ...childrenOf(node.pid)];
    blow.tell(`node-${index + 1}`);
    await node.stop('SIGKILL');
    await serveAgain(blow.fleet, node, pids);
  },

  'a node loses power': async (blow) => {
    const { node, index } = someNode(blow);
    const pids = [node.pid, ...childrenOf(node.pid)];
    const ms = span(blow);
    blow.tell(`node-${index + 1}, back after ${ms} ms`);
    for (const pid of pids) sendSignal(pid, 'SIGKILL');
    await delay(ms);
    await serveAgain(blow.fleet, node, pids);
  },

  'a node stands still': async (blow) => {
    const { node, index } = someNode(blow);
    const ms = span(blow);
    blow.tell(`node-${index + 1} for ${ms} ms`);
    await stopped([node.pid, ...childrenOf(node.pid)], ms);
  },

  // Longer than the lease: its workers give theirs up, or each disable would wait for them (docs/revocation.md).
  'a supervisor stands still': async (blow) => {
    const { node, index } = someNode(blow);
    const { lease } = blow.fleet;
    const ms = Math.round(lease * blow.random.pick([1.5, 2.8]));
    blow.tell(`node-${index + 1} for ${ms} ms`);
    const began = blow.history.now();
    sendSignal(node.pid, 'SIGSTOP');
    await delay(ms);
    const ended = blow.history.now();
    sendSignal(node.pid, 'SIGCONT');
    blow.history.add({ type: 'still', node: nodeIdIn(node), began, ended, lease });
  },

  'a worker stands still': async (blow) => {
    const { node, index } = someNode(blow);
    const ms = span(blow);
    blow.tell(`node-${index + 1} for ${ms} ms`);
    await stopped(node.processes().workers, ms);
  },

  'token hosts hang': async (blow) => {
    const { node, index } = someNode(blow);
    const ms = span(blow);
    blow.tell(`node-${index + 1} for ${ms} ms`);
    await stopped(node.processes().hosts, ms);
  },

  'token hosts are killed': async (blow) => {
    const { node, index } = someNode(blow);
    blow.tell(`node-${index + 1}`);
    for (const pid of node.processes().hosts) sendSignal(pid, 'SIGKILL');
    await delay(blow.random.between(100, 2_000));
  },

  // As where the wrong security world or partition came back after maintenance: no key may be taken for lost.
  'another token has the name': async (blow) => {
    const { fleet, tell } = blow;
    const ms = span(blow);
    tell(`for ${ms} ms`);
    const putBack = await fleet.swapToken();
    for (const node of fleet.nodes) for (const pid of node.processes().hosts) sendSignal(pid, 'SIGKILL');
    await delay(ms);
    await putBack();
    await fleet.untilFoundWell();
  },

  'HAProxy is killed': async ({ fleet, random, tell }) => {
    const ms = random.between(0, 2_000);
    tell(`for ${ms} ms`);
    await fleet.haproxy?.restart(ms);
  },

  'a node is cut off from the database': async (blow) => onWires(blow, [someNode(blow).index], 'cut'),
  'a node has half-open connections to the database': async (blow) =>
    onWires(blow, [someNode(blow).index], 'stalled'),
  'the way of a node to the database is slow': async (blow) => onWires(blow, [someNode(blow).index], 'slow'),
  'the database is cut off from all': async (blow) => onWires(blow, everyWire(blow), 'cut'),
  'all connections to the database are half-open': async (blow) => onWires(blow, everyWire(blow), 'stalled'),

  // By less than the five minutes that signatures may be old, and back.
  'a clock jumps': async (blow) => {
    const { index } = someNode(blow);
    const seconds = blow.random.pick([-240, -20, 20, 240]);
    const ms = span(blow);
    blow.tell(`node-${index + 1} by ${seconds} s for ${ms} ms`);
    await blow.fleet.clocks[index]?.set(seconds);
    await delay(ms);
    await blow.fleet.clocks[index]?.set(0);
  },

  'a certificate is changed': async (blow) => {
    const { node, index } = someNode(blow);
    blow.tell(`node-${index + 1}`);
    const { certificate, key } = await node.ca.issue('localhost');
    await cp(key, node.tls.key);
    await cp(certificate, node.tls.certificate);
    await delay(2_500);
  },

  'all nodes restart, one after the other': async ({ fleet, tell }) => {
    tell('with SIGTERM');
    for (const node of fleet.nodes) {
      await node.stop();
      await fleet.serve(node);
      await fleet.untilFoundWell();
    }
  },
} as const satisfies Record<string, Nemesis>;

/** On a database that is run by hand: a primary and its synchronous standby. */
export const nemeses = {
  ...nodeNemeses,

  'any process is killed': async ({ fleet, random, tell }) => killAny(fleet, random, tell),

  'another database has the name': async (blow) => anotherStore(blow, span(blow)),

  'the database restarts': async (blow) => {
    const { primary } = blow.fleet.database;
    const how = blow.random.pick(['fast', 'crash'] as const);
    blow.tell(how);
    await primary.stop(how);
    await delay(blow.random.between(0, 1_000));
    await primary.start();
  },

  'the database fails over': async ({ fleet, tell }) => {
    tell('to its synchronous standby');
    await fleet.database.failOver();
  },

  'the standby is gone for a while': async (blow) => {
    const { standby } = blow.fleet.database;
    const ms = span(blow);
    blow.tell(`for ${ms} ms`);
    await standby.stop('fast');
    await delay(ms);
    await standby.start();
  },

  'commits that wait for the standby are cancelled': async ({ fleet, tell }) => {
    const { pids, cancelled } = await withoutStandby(fleet);
    for (const pid of pids) sendSignal(pid, 'SIGCONT');
    tell(`${cancelled} of them`);
  },

  // What was cancelled is done on the primary alone, and gone with it.
  'the database fails over, and its standby lacks what was cancelled': async ({ fleet, tell }) => {
    const { pids, cancelled } = await withoutStandby(fleet);
    await fleet.database.primary.stop('crash');
    for (const pid of pids) sendSignal(pid, 'SIGCONT');
    tell(`${cancelled} commits`);
    await fleet.database.failOver();
  },

  'the disk of the database is full': async (blow) => {
    const { database } = blow.fleet;
    const { disk } = database;
    if (disk === undefined) return blow.tell('not done: it has no disk of its own');
    const ms = span(blow);
    blow.tell(`for ${ms} ms`);
    disk.fill();
    await delay(ms);
    disk.makeRoom();
    await database.untilItAnswers();
  },

  'the disk of the database stands still': async (blow) => {
    const { disk } = blow.fleet.database;
    if (disk === undefined) return blow.tell('not done: it has no disk of its own');
    const ms = span(blow);
    blow.tell(`for ${ms} ms`);
    disk.freeze();
    await delay(ms);
    disk.thaw();
  },

  // As one of a release before leases shows itself: it waits for nobody, and so nobody serves from memory meanwhile.
  'a node of an older release is there': async (blow) => {
    const ms = span(blow);
    blow.tell(`for ${ms} ms`);
    await blow.fleet.database.showOlderNode(true);
    await delay(ms);
    await blow.fleet.database.showOlderNode(false);
  },

  // What was acknowledged meanwhile is lost, and what it took away must stay so.
  'the database fails over to a standby that nobody waited for': async ({ fleet, random, tell }) => {
    const failOver = await fleet.database.leaveBehind();
    const ms = random.between(1_000, 6_000);
    await delay(ms);
    tell(`${ms} ms behind`);
    await failOver();
  },
} as const satisfies Record<string, Nemesis<Database>>;

export type NemesisName = keyof typeof nemeses;

/** What may be made on nodes while something is wrong with the database: no node is started, since one refuses to without it. */
const besideTheDatabase: readonly NemesisName[] = [
  'a process is killed',
  'a node stands still',
  'a supervisor stands still',
  'a worker stands still',
  'token hosts hang',
  'token hosts are killed',
  'a node is cut off from the database',
  'a node has half-open connections to the database',
  'the way of a node to the database is slow',
  'a clock jumps',
  'a certificate is changed',
  'HAProxy is killed',
];

const onTheDatabase: readonly string[] = [
  'the database restarts',
  'the database fails over',
  'the standby is gone for a while',
  'commits that wait for the standby are cancelled',
  'the database fails over, and its standby lacks what was cancelled',
  // Of one that Patroni runs.
  'the primary is killed',
  'the primary changes places with its standby',
  'the primary is cut off from etcd',
  'both are cut off from etcd',
];

/** Of these faults acknowledged acts are lost. */
export const lossOfAcknowledged: NemesisName = 'the database fails over to a standby that nobody waited for';

/** Nodes may have seen what the database has lost after these. */
export const losing: readonly string[] = [
  // What a server has committed shows once it has been restarted, though its standby never got it: that is lost where it fails over next.
  'the database fails over',
  'the database fails over, and its standby lacks what was cancelled',
  lossOfAcknowledged,
  // A server that is stopped may show what it has not been able to give its standby.
  'the primary is killed',
  'the primary is cut off from etcd',
  'both are cut off from etcd',
];

/** Of these, what may be made at the same time as the fault. */
export function companions(fault: string, from: readonly string[]): string[] {
  const groups: readonly (readonly string[])[] = [besideTheDatabase, onTheDatabase];
  const other = groups.find((_, index) => groups[1 - index]?.includes(fault) === true) ?? [];
  return from.filter((name) => other.includes(name));
}

/** Nodes are stopped, cut and killed, and the database is what it was. */
export const onNodesAlone: readonly NemesisName[] = [
  'a process is killed',
  'a supervisor is killed',
  'a node loses power',
  'a node stands still',
  'a worker stands still',
  'a node is cut off from the database',
  'a node has half-open connections to the database',
];
