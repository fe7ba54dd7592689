import { setTimeout as delay } from 'node:timers/promises';
import type { ActEntry, NotInForce } from './history.ts';
import { wasNotSent, type Management } from './management.ts';
import type { Random } from '../testing/random.ts';
import type { History } from './recorder.ts';

/** A CloudKey as the load and the acts know it. */
export interface Key {
  /** Of the record. */
  id: string;
  externalKeyId: string;
}

/** How long a key stays disabled, and then enabled, milliseconds: one of these at the most, drawn each time. */
export interface Pace {
  disabled: readonly number[];
  enabled: readonly number[];
}

/** Now and then it stays so for as long as a fault lasts: what the database forgot then shows. */
export const unhurried: Pace = { disabled: [200, 200, 6_000], enabled: [400, 400, 3_000] };

/** For as many acts as there can be. */
export const hurried: Pace = { disabled: [200], enabled: [200] };

/** What was done and is not in force yet is so within the time of a lease, or the fault lasts longer than that. */
const longestWait = 60_000;

/**
 * Disables and enables keys, by any node. The acts of one key follow one another: the next is sent when the last was answered, or
 * can be answered no more.
 */
export class Acts {
  readonly #management: Management;
  readonly #history: History;
  readonly #random: Random;
  readonly #pace: Pace;
  /** Places of the nodes of which one is asked each time. */
  among: readonly number[];
  #running = true;
  #touches = 0;
  #disables = 0;

  constructor(
    management: Management,
    history: History,
    random: Random,
    { nodes, pace = unhurried }: { nodes: number; pace?: Pace },
  ) {
    this.#management = management;
    this.#history = history;
    this.#random = random;
    this.among = Array.from({ length: nodes }, (_, index) => index);
    this.#pace = pace;
  }

  /** How many disables were acknowledged. */
  get disables(): number {
    return this.#disables;
  }

  stop(): void {
    this.#running = false;
  }

  /** Until it is stopped. */
  async keepOn(key: Key): Promise<void> {
    while (this.#running) {
      await this.act('disable', key);
      await this.#pause(this.#pace.disabled);
      // What was refused, or is in doubt, is asked for again, or the key would be of no use to the load.
      while (this.#running && (await this.act('enable', key)) !== 'acknowledged') await delay(100);
      await this.#pause(this.#pace.enabled);
    }
  }

  async #pause(longest: readonly number[]): Promise<void> {
    await delay(this.#random.between(20, this.#random.pick(longest)));
  }

  /** Sent once, to some node; after an act in doubt whatever is still under way is waited for. */
  async act(act: 'disable' | 'enable', key: Key): Promise<ActEntry['result']> {
    const result = await this.#send(act, key, 'POST', `/cloud-keys/${key.id}/${act}`, {});
    if (result === 'in doubt') await this.#settle(key);
    if (act === 'disable' && result === 'acknowledged') this.#disables++;
    return result;
  }

  /** A description that is new each time, so that the record's row is locked and changed. */
  async #settle(key: Key): Promise<void> {
    for (let tries = 0; this.#running && tries < 20; tries++) {
      const description = `touched ${++this.#touches}`;
      const result = await this.#send('touch', key, 'PATCH', `/cloud-keys/${key.id}`, { description });
      if (result === 'acknowledged') return;
      await delay(200);
    }
  }

  /** Resolves with the new key where that was acknowledged. */
  async create(keySetId: string, name: string): Promise<Key | undefined> {
    const invoked = this.#history.now();
    const node = this.#random.pick(this.among);
    try {
      const body = { keySetId, name };
      const { status, text, request } = await this.#management.send(node, 'POST', '/cloud-keys', body);
      if (status !== 201) return undefined;
      const key = JSON.parse(text) as Key;
      const entry = { type: 'act', act: 'create', key: key.externalKeyId, node, invoked } as const;
      this.#history.add({ ...entry, ended: this.#history.now(), result: 'acknowledged', request });
      return key;
    } catch {
      // Without an answer nobody knows its external key id.
      return undefined;
    }
  }

  /** Once some node says that it is in force; false where none did for long. */
  async #isInForce(revision: string): Promise<boolean> {
    for (const until = this.#history.now() + longestWait; this.#history.now() < until; await delay(100))
      try {
        if (await this.#management.isInForce(this.#random.pick(this.among), revision)) return true;
      } catch {
        // Another is asked.
      }
    return false;
  }

  async #send(
    act: ActEntry['act'],
    key: Key,
    method: string,
    path: string,
    body: unknown,
  ): Promise<ActEntry['result']> {
    const node = this.#random.pick(this.among);
    const entry = { type: 'act', act, key: key.externalKeyId, node, invoked: this.#history.now() } as const;
    const end = (
      result: ActEntry['result'],
      answer: string,
      rest: Pick<ActEntry, 'later' | 'request'> = {},
    ) => {
      this.#history.add({ ...entry, ended: this.#history.now(), result, answer, ...rest });
      return result;
    };
    try {
      const answered = await this.#management.send(node, method, path, body);
      const { status, text, request, inForce, revision } = answered;
      if (status === 200) return end('acknowledged', `200 ${inForce}`, { request });
      const later = notInForce(text, this.#history.now());
      if (later !== undefined && (await this.#isInForce(revision)))
        return end('acknowledged', text.slice(0, 400), { request, later });
      // Nothing is changed before somebody has decided on what the database has lost.
      if (text.includes('"urn:holdfast:problem:store-went-back"'))
        return end('refused', text.slice(0, 400), { request });
      return end(status < 500 ? 'refused' : 'in doubt', `${status} ${text.slice(0, 400)}`, { request });
    } catch (error) {
      return end(wasNotSent(error) ? 'refused' : 'in doubt', (error as Error).message);
    }
  }
}

/** What an answer `not-in-force` says. */
function notInForce(text: string, at: number): NotInForce | undefined {
  if (!text.includes('"urn:holdfast:problem:not-in-force"')) return undefined;
  const [, nodes = ''] = /still waiting for node (.+?), for \d+ s at most/.exec(text) ?? [];
  return { at, waitedFor: [...nodes.matchAll(/([0-9a-f-]{36}) \(/g)].map(([, id = '']) => id) };
}
