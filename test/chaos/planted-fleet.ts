import type { Bug } from '../../chaos/bugs.ts';
import type { ActEntry, Entry } from '../../chaos/history.ts';
import { Random } from '../../testing/random.ts';

/*
 * A small fleet that serves one key under leases (docs/revocation.md), and writes the history that a run of chaos would: nodes that
 * stop, join and are slow, a database that fails over to its standby. With one of the bugs planted its history is wrong sooner or later.
 */

/** Of a lease, in steps of the world. */
const length = 40;

interface State {
  enabled: boolean;
  epoch: number;
}

interface Node {
  /** Whether a transaction that begins now sees its row. */
  hasRow: boolean;
  snapshot: State;
  freshUntil: number;
  confirmed: number;
  stoppedUntil: number;
  request: { began: number; started: State; freshUntil: number } | undefined;
  /** Read in the transaction that will commit its row, where that is the bug. */
  joining: State | undefined;
  iv: number;
}

/** Its history, after so many steps. */
export function playFleet(seed: number, bug: Bug | undefined, steps = 1_500): Entry[] {
  const fleet = new Fleet(new Random(seed), bug);
  for (let step = 0; step < steps; step++) fleet.step();
  return fleet.history;
}

const unknown: State = { enabled: false, epoch: -1 };

class Fleet {
  readonly history: Entry[] = [];
  #now = 0;
  #ivs = 0;
  #primary: State = { enabled: true, epoch: 0 };
  #standby: State = this.#primary;
  #standbyStopped = false;
  readonly #nodes: Node[] = [];
  #act: { entry: ActEntry; waitsFor: Node[]; until: number; certain: boolean } | undefined;
  readonly #random: Random;
  readonly #bug: Bug | undefined;

  constructor(random: Random, bug: Bug | undefined) {
    this.#random = random;
    this.#bug = bug;
    for (let i = 0; i < 3; i++) this.#nodes.push(this.#fresh());
    this.#record('create', 0, 'acknowledged');
  }

  #fresh(): Node {
    const rest = { request: undefined, joining: undefined, iv: 0 };
    return { hasRow: false, snapshot: unknown, freshUntil: 0, confirmed: -1, stoppedUntil: 0, ...rest };
  }

  step(): void {
    this.#now += 1;
    if (this.#chance(0.01)) this.#standbyStopped = !this.#standbyStopped;
    if (this.#chance(0.004)) this.#failOver();
    for (const node of this.#nodes) this.#stepOf(node);
    this.#revoker();
  }

  #chance(share: number): boolean {
    return this.#random.fraction() < share;
  }

  #stepOf(node: Node): void {
    if (node.stoppedUntil > this.#now) return;
    if (this.#chance(0.01)) node.stoppedUntil = this.#now + this.#random.between(1, 2 * length);
    if (this.#chance(0.01)) Object.assign(node, this.#fresh());
    else if (this.#chance(0.15)) this.#renew(node);
    else if (node.request === undefined) {
      if (this.#chance(0.5)) this.#begin(node);
    } else if (this.#chance(0.3)) this.#finish(node, node.request);
  }

  #renew(node: Node): void {
    if (!node.hasRow) {
      if (this.#bug === 'the row and the first snapshot of a worker that joins are one transaction') {
        // It reads, and commits a few steps later.
        if (node.joining === undefined) {
          node.joining = this.#primary;
          return;
        }
        node.snapshot = node.joining;
        node.freshUntil = this.#now + length;
      }
      node.hasRow = true;
      return;
    }
    node.snapshot = this.#primary;
    node.freshUntil = this.#now + length;
    if (node.request === undefined || node.request.started.epoch >= node.snapshot.epoch)
      node.confirmed = node.snapshot.epoch;
  }

  #isFresh(until: number): boolean {
    return this.#bug === 'a cache without a lease' || this.#now < until;
  }

  #begin(node: Node): void {
    if (node.snapshot === unknown || !this.#isFresh(node.freshUntil)) return;
    node.request = { began: this.#now, started: node.snapshot, freshUntil: node.freshUntil };
  }

  #finish(node: Node, { began, started, freshUntil }: NonNullable<Node['request']>): void {
    node.request = undefined;
    const mayAnswer =
      this.#bug === 'the lease is looked at only as a request begins' || this.#isFresh(freshUntil);
    const entry = {
      type: 'request',
      kind: 'encrypt',
      key: 'key',
      began: began + 0.1,
      ended: this.#now + 0.2,
    } as const;
    if (!mayAnswer) this.history.push({ ...entry, status: 500, result: 'InternalException' });
    else if (!started.enabled) this.history.push({ ...entry, status: 400, result: 'InvalidStateException' });
    else {
      const again = this.#bug === 'a retry with the same IV' && this.#chance(0.02);
      if (!again) node.iv = ++this.#ivs;
      this.history.push({ ...entry, status: 200, result: 'success', version: 1, iv: String(node.iv) });
    }
  }

  #revoker(): void {
    if (this.#act === undefined) {
      if (this.#chance(0.1)) this.#commit();
      return;
    }
    const { entry, waitsFor, until, certain } = this.#act;
    const early = this.#bug === 'acknowledged before the last worker has confirmed';
    const isConfirmed = waitsFor.every(({ confirmed }) => confirmed >= this.#primary.epoch);
    if (!early && !isConfirmed && this.#now < until) return;
    this.#act = undefined;
    this.history.push({ ...entry, ended: this.#now + 0.9, result: certain ? 'acknowledged' : 'in doubt' });
  }

  #commit(): void {
    const enabled = !this.#primary.enabled;
    this.#primary = { enabled, epoch: this.#primary.epoch + 1 };
    if (!this.#standbyStopped) this.#standby = this.#primary;
    const entry = this.#record(enabled ? 'enable' : 'disable', this.#now + 0.3, 'in doubt');
    const certain =
      !this.#standbyStopped || this.#bug === 'a commit is acknowledged though its standby has not got it';
    const waitsFor = this.#nodes.filter(({ hasRow }) => hasRow);
    this.#act = { entry, waitsFor, until: this.#now + length + 1, certain };
  }

  #record(act: ActEntry['act'], invoked: number, result: ActEntry['result']): ActEntry {
    const entry: ActEntry = { type: 'act', act, key: 'key', node: 0, invoked, ended: invoked + 0.1, result };
    if (act === 'create') this.history.push(entry);
    return entry;
  }

  /** To the standby, which may have less. Nodes notice, and remember nothing. */
  #failOver(): void {
    // What is not certain yet stays in doubt.
    if (this.#act !== undefined) this.#act = { ...this.#act, certain: false };
    this.#primary = { ...this.#standby, epoch: this.#primary.epoch + 1 };
    this.#standby = this.#primary;
    this.#standbyStopped = false;
    for (const node of this.#nodes) Object.assign(node, this.#fresh());
  }
}
