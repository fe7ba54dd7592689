import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { loadProfile, type Profile } from '../../src/config/profile.ts';
import { Secret } from '../../src/secret.ts';
import { TokenError, type TokenFault } from '../../src/token/faults.ts';
import { monotonicNow } from '../../src/clock.ts';
import {
  HostKeeper,
  LoginGate,
  type HostSettings,
  type RunningHost,
} from '../../src/token/keeper/host-keeper.ts';
import type { TokenRequest, TokenResponses } from '../../src/token/messages.ts';
import type { CallResult } from '../../src/token/pool/pool-entry.ts';
import { defaultPoolLimits, type PoolLimits } from '../../src/token/pool/pool-limits.ts';
import { TokenPool } from '../../src/token/pool/token-pool.ts';
import type { OwnKeyProofs } from '../../src/token/own-key-proofs.ts';
import type { Shim } from '../../testing/shim.ts';
import type { TokenFixture } from '../../testing/tokens.ts';

export interface PoolSetUp {
  hosts?: number;
  shim?: Shim;
  profile?: Profile;
  limits?: Partial<PoolLimits>;
  startTimeout?: number;
  /** Whether the first host makes our own keys; true unless given. */
  prepare?: boolean;
  pin?: HostSettings['pin'];
  pins?: HostSettings['pins'];
  /** Whether the first host makes keys, and our own where one is gone, as the management process's does. */
  makesKeys?: boolean;
  /** Of the keys of our own, by serial number. */
  ownProofs?: HostSettings['order']['ownProofs'];
  /** Which token the store means; whichever is there unless given. */
  recorded?: HostSettings['order']['recorded'];
  /** An HSM group, with so many hosts of each member; the first is the token that is given. */
  members?: readonly { name: string; fixture: TokenFixture; shim?: Shim }[];
  /** Whether hosts learn ahead of use where keys are, as they do for an XKS worker; true unless given. */
  fetchAhead?: boolean;
}

/** Something that a keeper told, in the order in which it came. */
export type KeeperEvent =
  | {
      kind: 'ready';
      pid: number;
      made: string[];
      serial: string;
      ownProofs: OwnKeyProofs;
      alarms: string[];
    }
  | { kind: 'own-keys'; alarms: string[]; made: OwnKeyProofs | undefined }
  | { kind: 'gone'; pid: number; why: string }
  | { kind: 'failed'; problem: string; remediation: string; final: boolean };

const neverTold: KeeperEvent = { kind: 'ready', pid: 0, made: [], serial: '', ownProofs: {}, alarms: [] };

/** What a host of `fixture` is started with. */
export function settingsFor(fixture: TokenFixture, options: PoolSetUp, prepare: boolean): HostSettings {
  const { shim } = options;
  return {
    token: 'token',
    order: {
      profile: options.profile ?? loadProfile(fixture.profile),
      module: shim?.module ?? fixture.module,
      initializeParameters: fixture.initializeParameters,
      choose: { label: fixture.label },
      prepare,
      ownProofs: options.ownProofs,
      recorded: options.recorded,
    },
    environment: { ...fixture.environment, ...shim?.environment },
    pin: options.pin ?? (async () => new Secret(fixture.pin)),
    pins: options.pins,
    startTimeout: options.startTimeout ?? 30_000,
  };
}

/** The hosts of one token with their keepers and their pool, in this very process: a node without its network. */
export class OpenPool {
  readonly pool: TokenPool;
  readonly events: KeeperEvent[] = [];
  readonly #gates = new Map<string, LoginGate>();
  readonly #keepers: HostKeeper[] = [];
  readonly #byHost = new Map<number, HostKeeper>();
  /** What is told of a host once it knows where keys are. */
  readonly #unprepared = new Map<number, KeeperEvent>();
  readonly #told = new EventTarget();

  constructor(fixture: TokenFixture, options: PoolSetUp = {}) {
    const hosts = options.hosts ?? 1;
    // No host is killed because the machine is busy, unless that is what the test is about.
    const limits = { ...defaultPoolLimits, killAfter: 20_000, ...options.limits };
    const members = options.members ?? [{ name: 'token', fixture }];
    const counts = members.map(({ name }) => ({ name, hosts }));
    this.pool = new TokenPool('token', counts, (id) => this.#byHost.get(id)?.kill(), limits, {
      fetchAhead: options.fetchAhead ?? true,
      onPrepared: (id) => {
        this.#tell(this.#unprepared.get(id) ?? neverTold);
      },
    });
    for (let index = 0; index < members.length * hosts; index++) {
      const {
        name: member,
        fixture: own,
        ...others
      } = members[Math.floor(index / hosts)] ?? { name: '', fixture };
      const prepare = index === 0 && options.prepare !== false;
      const settings = settingsFor(own, { ...options, ...others }, prepare);
      settings.order.makesKeys = index === 0 && options.makesKeys === true;
      const pids = new Map<number, number>();
      const keeper: HostKeeper = new HostKeeper(settings, this.gateOf(member), {
        onReady: (host: RunningHost) => {
          pids.set(host.id, host.pid);
          this.#byHost.set(host.id, keeper);
          const { pid, made, info, ownProofs, alarms } = host;
          this.#unprepared.set(host.id, { kind: 'ready', pid, made, serial: info.serial, ownProofs, alarms });
          const { operationTime } = host;
          this.pool.addHost(host.id, host.pid, host.socket, { operationTime, member });
          this.#told.dispatchEvent(new Event('event'));
        },
        onOwnKeys: (alarms, made) => this.#tell({ kind: 'own-keys', alarms, made }),
        onGone: (id, why) => {
          this.pool.removeHost(id);
          this.#tell({ kind: 'gone', pid: pids.get(id) ?? 0, why });
        },
        onFailed: (problem, remediation, final) =>
          this.#tell({ kind: 'failed', problem, remediation, final }),
      });
      this.#keepers.push(keeper);
    }
  }

  /** Through which hosts of the member come to their login. */
  gateOf(member: string): LoginGate {
    const gate = this.#gates.get(member) ?? new LoginGate();
    this.#gates.set(member, gate);
    return gate;
  }

  get gate(): LoginGate {
    return this.gateOf(this.pool.members[0] ?? '');
  }

  /** Starts all hosts, the first one alone: it makes our own keys. Rejects with the first failure. */
  static async start(t: ExecutionContext, fixture: TokenFixture, options: PoolSetUp = {}): Promise<OpenPool> {
    const open = new OpenPool(fixture, options);
    t.teardown(async () => open.stop());
    await open.startInTurn();
    return open;
  }

  async startInTurn(): Promise<void> {
    const [first, ...others] = this.#keepers;
    first?.start();
    await this.#firstReady(1);
    for (const keeper of others) keeper.start();
    await this.#firstReady(this.#keepers.length);
  }

  /** Waits until every host is up and well, whatever failed on the way. */
  async allReady(): Promise<void> {
    // Nothing tells that one which got no core for a moment, and so was sick, is well again.
    while (this.pool.hosts.some(({ state }) => state !== 'ready' && state !== 'busy')) await delay(5);
  }

  /** Waits until every host is there, whether it knows where keys are or not. */
  async allThere(): Promise<void> {
    while (this.pids.includes(0)) await once(this.#told, 'event');
  }

  startAll(): void {
    for (const keeper of this.#keepers) keeper.start();
  }

  async stop(): Promise<void> {
    this.pool.close();
    await Promise.all(this.#keepers.map(async (keeper) => keeper.stop()));
  }

  get pids(): number[] {
    return this.pool.hosts.map(({ pid }) => pid).toSorted((a, b) => a - b);
  }

  /** The first event that matches, also one that has come already, unless it is among the first `after`. */
  async event<E extends KeeperEvent>(matches: (event: KeeperEvent) => event is E, after?: number): Promise<E>;
  async event(matches: (event: KeeperEvent) => boolean, after?: number): Promise<KeeperEvent>;
  async event(matches: (event: KeeperEvent) => boolean, after = 0): Promise<KeeperEvent> {
    for (;;) {
      const found = this.events.slice(after).find((event) => matches(event));
      if (found !== undefined) return found;
      await once(this.#told, 'event');
    }
  }

  async failure(after = 0): Promise<Extract<KeeperEvent, { kind: 'failed' }>> {
    return this.event((event) => event.kind === 'failed', after);
  }

  /** Does one operation; `timeout` in milliseconds. */
  async call<R extends TokenRequest>(request: R, timeout = 10_000): Promise<TokenResponses[R['kind']]> {
    return (await this.callAt(request, timeout)).value;
  }

  /** The same, and tells which host did it. */
  async callAt<R extends TokenRequest>(request: R, timeout = 10_000): Promise<CallResult<R['kind']>> {
    return this.pool.call(request, { deadline: monotonicNow() + timeout });
  }

  /** Makes an AES key and gives its CKA_ID. */
  async makeKey(label: string, usage = { encrypt: true, decrypt: true }): Promise<Buffer> {
    const key = Buffer.from(label);
    await this.call({ kind: 'generateKey', key, binding: Buffer.alloc(0), label, ...usage });
    return key;
  }

  #tell(event: KeeperEvent): void {
    this.events.push(event);
    this.#told.dispatchEvent(new Event('event'));
  }

  async #firstReady(count: number): Promise<void> {
    for (;;) {
      const failed = this.events.find((event) => event.kind === 'failed');
      if (failed !== undefined) throw new Error(`${failed.problem}; ${failed.remediation}`);
      if (this.events.filter(({ kind }) => kind === 'ready').length >= count) return;
      await once(this.#told, 'event');
    }
  }
}

export const nothing = Buffer.alloc(0);

/** An encrypt with what most tests do not care about. */
export function encryptOf(
  key: Buffer,
  plaintext: Uint8Array,
  more: Partial<Extract<TokenRequest, { kind: 'encrypt' }>> = {},
): Extract<TokenRequest, { kind: 'encrypt' }> {
  return {
    kind: 'encrypt',
    key,
    identity: nothing,
    aadForm: 'full',
    aad: nothing,
    metadata: nothing,
    plaintext,
    verify: false,
    ...more,
  };
}

/** The decrypt that opens what `encrypt` gave. */
export function decryptOf(
  encrypt: Extract<TokenRequest, { kind: 'encrypt' }>,
  { iv, ciphertext, tag }: TokenResponses['encrypt'],
): Extract<TokenRequest, { kind: 'decrypt' }> {
  const { key, identity, aadForm, aad, metadata } = encrypt;
  return { kind: 'decrypt', key, identity, aadForm, aad, metadata, iv, ciphertext, tag };
}

/** Asserts that `call` rejects with this fault, and gives the error. */
export async function throwsFault(
  t: ExecutionContext,
  fault: TokenFault,
  call: Promise<unknown>,
  message?: string,
): Promise<TokenError> {
  const error = await t.throwsAsync(call, { instanceOf: TokenError }, message);
  t.is(error.fault, fault, `${message ?? ''} ${error.message}`);
  return error;
}
