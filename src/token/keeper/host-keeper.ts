import { setTimeout as delay } from 'node:timers/promises';
import { monotonicNow } from '../../clock.ts';
import { CKR } from '../faults.ts';
import { HostLife, pinProblem, type HostEnd, type HostSettings, type ReadyHost } from './host-life.ts';
import type { HostParty, LoginGate } from '../login-gate.ts';
import type { OwnKeyProofs } from '../own-key-proofs.ts';
import type { Secret } from '../../secret.ts';

export { HostParty, LoginGate } from '../login-gate.ts';
export type { HostSettings };

export interface RunningHost extends ReadyHost {
  id: number;
}

export interface KeeperListener {
  onReady(host: RunningHost): void;
  /** What is wrong with keys of our own, where that has changed since it became ready; proofs of those that it made anew. */
  onOwnKeys?(alarms: string[], made: OwnKeyProofs | undefined): void;
  onGone(id: number, why: string): void;
  /** The host could not start; it is tried again unless `final`: the token refused the PIN, see {@link LoginGate}. */
  onFailed(problem: string, remediation: string, final: boolean): void;
}

/** Pauses before the next start, milliseconds; each is shortened by up to half at random. */
const pauses = {
  first: 100,
  /** Of a host that does not come up. */
  max: 10_000,
  /** Of a host that had come up: it served, so it is wanted back soon. */
  maxAfterReady: 1000,
  /** Of a host for which the token has no room, beside others that it has: a process that loads the module for nothing. */
  whereFull: 60_000,
};
/** So many tries, and then the token is taken to be full. */
const triesWhereFull = 3;
/** How often one that waits for room looks whether the others are still there, milliseconds. */
const lookAround = 1_000;
/** CKR_TOKEN_RESOURCE_EXCEEDED is of PKCS#11 3.1. */
const noRoom: ReadonlySet<number | undefined> = new Set([
  CKR.SESSION_COUNT,
  CKR.DEVICE_MEMORY,
  CKR.TOKEN_RESOURCE_EXCEEDED,
]);
/** A host that lived this long had come up well: the next failure starts from the shortest pause. */
const settledAfter = 30_000;
let lastId = 0;

/** Keeps one token host running: starts it, replaces it when it ends, with growing, jittered pauses when it fails. */
export class HostKeeper {
  readonly #settings: HostSettings;
  readonly #gate: LoginGate;
  readonly #listener: KeeperListener;
  /** With whose others it shares what the token has room for; set before {@link start}. */
  party: HostParty | undefined;
  #life: HostLife | undefined;
  /** The last start did not see the token, and the next one is to look before that is told. */
  #missed = false;
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(settings: HostSettings, gate: LoginGate, listener: KeeperListener) {
    this.#settings = settings;
    this.#gate = gate;
    this.#listener = listener;
  }

  start(): void {
    if (this.#loop !== undefined) return;
    const party = this.party;
    if (party === undefined) {
      this.#loop = this.#keep();
      return;
    }
    this.#gate.join(party);
    this.#loop = this.#keep().finally(() => this.#gate.part(party));
  }

  /** Ends the running host at once; another takes its place. */
  kill(): void {
    this.#life?.kill();
  }

  /** Ends the running host for good: it closes its sessions, or is killed where that takes long. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#life?.end();
    await this.#loop;
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    let deaths = 0;
    while (await this.#gate.enter(signal, 'wait', this.party)) {
      const began = monotonicNow();
      const end = await this.#runOnce();
      const wasReady = end?.ready ?? false;
      if (this.party !== undefined) this.#gate.lost(this.party, wasReady);
      let max: number;
      if (wasReady) {
        failures = 0;
        deaths = monotonicNow() - began > settledAfter ? 1 : deaths + 1;
        // The first replacement comes at once.
        max = deaths === 1 ? 0 : Math.min(pauses.maxAfterReady, pauses.first * 2 ** (deaths - 2));
      } else if (this.#missed) {
        max = 0;
      } else {
        max = Math.min(pauses.max, pauses.first * 2 ** failures++);
        if (failures > triesWhereFull && noRoom.has(end?.rv)) {
          await this.#waitForRoom(jittered(pauses.whereFull));
          max = 0;
        }
      }
      await delay(jittered(max), undefined, { signal }).catch(() => undefined);
    }
  }

  /** As long as another host of the token serves, and nobody says that there is room now. */
  async #waitForRoom(pause: number): Promise<void> {
    const until = monotonicNow() + pause;
    const { resets } = this.#gate;
    while (
      !this.#stopping.signal.aborted &&
      this.#gate.hasHosts &&
      this.#gate.resets === resets &&
      monotonicNow() < until
    )
      await delay(lookAround, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  /** One life of a host, from a turn at the gate to its end; undefined where none began. */
  async #runOnce(): Promise<HostEnd | undefined> {
    const isSecondLook = this.#missed;
    this.#missed = false;
    let pin: Secret | undefined;
    try {
      pin = await this.#settings.pin();
    } catch (error) {
      this.#gate.leave('failed');
      this.#failed(pinProblem(error), 'check token.pin', false);
      return undefined;
    }
    if (this.#stopping.signal.aborted) {
      this.#gate.leave('failed');
      return undefined;
    }
    const id = ++lastId;
    const life = new HostLife(this.#settings, this.#gate, this.#stopping.signal, pin);
    this.#life = life;
    life.onReady = (host) => {
      if (this.party !== undefined) this.#gate.gained(this.party);
      if (!this.#stopping.signal.aborted) this.#listener.onReady({ id, ...host });
    };
    life.onOwnKeys = (alarms, made) => {
      if (!this.#stopping.signal.aborted) this.#listener.onOwnKeys?.(alarms, made);
    };
    const end = await life.ended;
    this.#life = undefined;
    if (end.ready) this.#listener.onGone(id, end.problem);
    this.#missed = end.missed === true && !isSecondLook;
    if (this.#missed) return end;
    if (!end.ready || end.pinRefused) this.#failed(end.problem, end.remediation, end.pinRefused);
    return end;
  }

  #failed(problem: string, remediation: string, final: boolean): void {
    if (!this.#stopping.signal.aborted) this.#listener.onFailed(problem, remediation, final);
  }
}

/** Shortened by up to half at random. */
function jittered(max: number): number {
  return max * (0.5 + Math.random() / 2);
}
