import type { KeyContext } from '../../src/keys/followers.ts';
import { awsFollower } from '../../src/cloud/kms-keys/cloud-key-follower.ts';
import type { Selectable } from 'kysely';
import type { Logger } from '../../src/log.ts';
import type { VaultTable } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { newStore } from '../../testing/stores.ts';
import { createCloudKey, type CloudKeyRecord, type NewKeyInput } from '../../src/keys/cloud-keys.ts';
import { createKeySet, type KeySet, type KeySetInput } from '../../src/keys/key-sets/key-sets.ts';
import { Schedules } from '../../src/schedules/schedules.ts';
import { systemAct } from '../../src/vault/system-act.ts';
import type { TokenPools } from '../../src/vault/tokens.ts';
import { insertVault } from '../../testing/vault.ts';

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

export interface LogLine {
  level: 'info' | 'warn' | 'error';
  message: string;
  facts: Record<string, unknown>;
}

/** What is logged, kept; `until` waits for a line. */
export class KeptLog {
  readonly lines: LogLine[] = [];
  readonly #told = new EventTarget();

  get log(): Logger {
    const level = (name: LogLine['level']) => (facts: Record<string, unknown>, message: string) => {
      this.lines.push({ level: name, message, facts });
      this.#told.dispatchEvent(new Event('line'));
    };
    return { info: level('info'), warn: level('warn'), error: level('error') } as unknown as Logger;
  }

  async until(matches: (line: LogLine) => boolean): Promise<LogLine> {
    for (;;) {
      const found = this.lines.find((line) => matches(line));
      if (found !== undefined) return found;
      await new Promise((resolve) => {
        this.#told.addEventListener('line', resolve, { once: true });
      });
    }
  }
}

/** A store of its own with a vault and a key set, in front of a real token, under a clock that the test sets. */
export class Stage {
  readonly vaultContext: KeyContext;
  readonly store: Store;
  readonly vault: Selectable<VaultTable>;
  readonly log = new KeptLog();
  /** Milliseconds since the epoch. */
  now: number;

  private constructor(store: Store, vault: Selectable<VaultTable>, tokens: TokenPools, now: number) {
    this.store = store;
    this.vault = vault;
    this.now = now;
    this.vaultContext = {
      store,
      tokens,
      now: () => new Date(this.now),
      instance: 'node-a/1',
      followers: [awsFollower],
    };
  }

  static async open(
    t: { teardown: (run: () => Promise<void>) => void },
    tokens: TokenPools,
    now = '2027-01-01T12:00:00.000Z',
  ): Promise<Stage> {
    const store = await newStore();
    t.teardown(async () => store.close());
    const vault = await insertVault(store, 'stage', ['token', 'gone']);
    return new Stage(store, vault, tokens, Date.parse(now));
  }

  /** The same store and token as another process has them. */
  as(instance: string): KeyContext {
    return { ...this.vaultContext, instance };
  }

  schedules(vaultContext: KeyContext = this.vaultContext): Schedules {
    return new Schedules({ context: vaultContext, log: this.log.log });
  }

  async keySet(input: Partial<KeySetInput> = {}): Promise<KeySet> {
    return createKeySet(this.vaultContext, systemAct(this.vaultContext, 'test'), this.vault.id, 'all', {
      name: `set-${Math.random().toString(36).slice(2)}`,
      token: 'token',
      ...input,
    });
  }

  async key(keySet: KeySet, input: Partial<NewKeyInput> & { name: string }): Promise<CloudKeyRecord> {
    const act = systemAct(this.vaultContext, 'test');
    return createCloudKey(this.vaultContext, act, this.vault.id, 'all', { keySetId: keySet.id, ...input });
  }

  async read(id: string): Promise<CloudKeyRecord> {
    return this.store.db.selectFrom('cloud_keys').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  }

  /** How often each act was done on a thing. */
  async acts(targetId: string): Promise<Record<string, number>> {
    const rows = await this.store.db
      .selectFrom('audit_events')
      .select(['action', (eb) => eb.fn.countAll<number>().as('n')])
      .where('target_id', '=', targetId)
      .groupBy('action')
      .execute();
    return Object.fromEntries(rows.map(({ action, n }) => [action, n]));
  }
}
