import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { monotonicNow } from '../../clock.ts';
import type { Store } from '../../store/store.ts';
import { pageRows } from '../../vault/in-pages.ts';
import { driftOf } from './drift.ts';
import { kmsKeys, problemOf, type KmsKey } from './records.ts';
import { paced } from '../../vault/paced.ts';

interface KmsKeyWithTrouble {
  id: string;
  cloudKeyId: string;
  /** Of its CloudKey. */
  name: string;
  /** The id, with a digest of what is wrong with it. */
  thing: string;
}

/** KMS keys of a key set with the same trouble. */
export interface KmsKeysWithTrouble {
  count: number;
  /** The first hundred. */
  first: KmsKeyWithTrouble[];
}

/** What of the KMS keys of a key set needs attention. */
export interface KmsKeyTrouble {
  keySetId: string;
  /** Those that AWS has otherwise than they are here. */
  drifted: KmsKeysWithTrouble;
  /** Those whose last step failed and not only waits. */
  failed: KmsKeysWithTrouble;
}

export interface KmsKeysSeen {
  /** When it was looked through; null while that is under way for the first time. */
  at: string | null;
  troubles: readonly KmsKeyTrouble[];
}

/** Of more nobody can have seen each. */
const maxThings = 100;
/** It is looked through again after so many times what that takes. */
const rest = 20;
const shortestRest = 1_000;
const maxRest = 600_000;

/**
 * What AWS has otherwise is computed of each KMS key, since policies are compared by what they mean. With a hundred thousand
 * of them that takes a while: it is done beside everything else, when somebody asks, and what was found last is told with
 * its age.
 */
export class KmsKeyScan {
  readonly #db: Store['db'];
  readonly #now: () => Date;
  #seen: KmsKeysSeen = { at: null, troubles: [] };
  #freshUntil = -Infinity;
  #underWay: Promise<void> | undefined;

  constructor(db: Store['db'], now: () => Date) {
    this.#db = db;
    this.#now = now;
  }

  /** What is known after `timeout` milliseconds at the latest. */
  async look(timeout: number): Promise<KmsKeysSeen> {
    if (monotonicNow() >= this.#freshUntil)
      this.#underWay ??= this.#scan().finally(() => {
        this.#underWay = undefined;
      });
    if (this.#underWay !== undefined)
      await Promise.race([this.#underWay, delay(timeout, undefined, { ref: false })]);
    return this.#seen;
  }

  async #scan(): Promise<void> {
    const began = monotonicNow();
    const at = this.#now().toISOString();
    const found = new Map<string, KmsKeyTrouble>();
    let after = '';
    await paced(async () => {
      const rows = await kmsKeys(this.#db)
        .where('kms_keys.id', '>', after)
        .where('kms_keys.step', '<>', 'GONE')
        .orderBy('kms_keys.id')
        .limit(pageRows)
        .execute();
      for (const row of rows) note(found, row);
      after = rows.at(-1)?.id ?? after;
      return rows.length === pageRows;
    });
    this.#seen = { at, troubles: [...found.values()] };
    const took = monotonicNow() - began;
    this.#freshUntil = monotonicNow() + Math.min(maxRest, Math.max(shortestRest, rest * took));
  }
}

function note(found: Map<string, KmsKeyTrouble>, row: KmsKey): void {
  const problem = problemOf(row);
  const isFailed = row.problem !== null && !['waiting', 'settling'].includes(problem?.fault ?? '');
  const drift = driftOf(row);
  if (!isFailed && drift.length === 0) return;
  const trouble = found.get(row.key_set_id) ?? {
    ...{ keySetId: row.key_set_id, drifted: none(), failed: none() },
  };
  found.set(row.key_set_id, trouble);
  // How they differ, and not only that they do: a key policy that is opened further is another matter.
  if (drift.length > 0) add(trouble.drifted, row, drift);
  if (isFailed) add(trouble.failed, row, [row.step, problem?.fault, problem?.code]);
}

const none = (): KmsKeysWithTrouble => ({ count: 0, first: [] });

function add(to: KmsKeysWithTrouble, row: KmsKey, wrong: unknown): void {
  to.count++;
  if (to.first.length >= maxThings) return;
  const digest = createHash('sha256').update(JSON.stringify(wrong)).digest('base64url');
  const { id, cloud_key_id: cloudKeyId, cloud_key_name: name } = row;
  to.first.push({ id, cloudKeyId, name, thing: `${id} ${digest}` });
}
