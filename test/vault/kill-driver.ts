import { awsFollower } from '../../src/cloud/kms-keys/cloud-key-follower.ts';
import type { KeyContext } from '../../src/keys/followers.ts';
import type { Transaction } from 'kysely';
import { ownAuthority, type Act } from '../../src/evidence/trail.ts';
import type { Logger } from '../../src/log.ts';
import type { Moment } from '../../src/store/revision-log.ts';
import type { Tables } from '../../src/store/schema.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import type { Acting, ActTransaction, ChangeTransaction, Store } from '../../src/store/store.ts';
import type { Unrecorded } from '../../src/store/unrecorded.ts';
import { TokenError, type TokenFault } from '../../src/token/faults.ts';
import type { TokenRequest } from '../../src/token/messages.ts';
import { BackOff } from '../../src/vault/back-off.ts';
import { createCloudKey, rotateCloudKey, scheduleDeletion } from '../../src/keys/cloud-keys.ts';
import { issueCredential, rotateCredential } from '../../src/keys/credentials/credentials.ts';
import { deleteDueKeys } from '../../src/keys/destruction.ts';
import { rotateDueKeys } from '../../src/schedules/due-rotations.ts';
import { getKeySet } from '../../src/keys/key-sets/key-sets.ts';
import { reconcile } from '../../src/reconcile/reconcile.ts';
import { TokenPools, type TokenClient } from '../../src/vault/tokens.ts';
import { deleteVault } from '../../src/tenancy/vault-deletion.ts';
import { RotatingWorker } from '../support/limit-rotation.ts';

/*
 * A process that does one act with a real store, and kills itself at the n-th point: before a transaction, and within it
 * when all is done but the commit; before a call of the token, and while the token is at it; and at the end, when all is
 * done and nobody has been told. After a step is before the next one: nothing is written in between. The token is
 * the parent's, which does the calls that are sent to it: so a call goes on when this process is gone.
 */

export type Deed =
  | { do: 'create'; vaultId: string; keySetId: string; name: string; externalKeyId: string }
  | { do: 'rotate'; cloudKeyId: string }
  | { do: 'rotate-due' }
  | { do: 'rotate-at-limit'; cloudKeyId: string }
  | { do: 'schedule-deletion'; vaultId: string; cloudKeyId: string }
  | { do: 'delete-due' }
  | { do: 'issue'; vaultId: string; keySetId: string }
  | { do: 'rotate-credential'; vaultId: string; keySetId: string; accessKeyId: string }
  | { do: 'delete-vault'; vaultId: string; name: string }
  | { do: 'reconcile' };

export interface Order {
  storePath: string;
  instance: string;
  /** Milliseconds that the clock stands ahead. */
  ahead: number;
  /** The point, from 1, at which the process kills itself. */
  killAt: number;
  deed: Deed;
  idempotencyKey: string;
}

export type ToDriver =
  | { kind: 'order'; order: Order }
  | { kind: 'answer'; id: number; value: unknown; fault?: { fault: TokenFault; call: string } };

export type FromDriver =
  | { kind: 'ready' }
  | { kind: 'call'; id: number; token: string; request: TokenRequest }
  | { kind: 'done'; points: number };

const silent = { info: () => undefined, error: () => undefined } as unknown as Logger;

export function actOf(vaultContext: KeyContext, idempotencyKey: string): Act {
  return {
    actor: { kind: 'user', id: 'operator', name: 'operator' },
    address: '',
    requestId: '',
    at: vaultContext.now(),
    now: vaultContext.now,
    authority: ownAuthority,
    idempotency: { key: idempotencyKey, requestHash: Buffer.from(idempotencyKey) },
  };
}

const makes: ReadonlySet<Deed['do']> = new Set(['create', 'issue', 'rotate-credential']);

export async function perform(vaultContext: KeyContext, deed: Deed, idempotencyKey: string): Promise<void> {
  const made = actOf(vaultContext, idempotencyKey);
  const { idempotency: _, ...plain } = made;
  // The API takes an Idempotency-Key for what makes a record.
  const act: Act = makes.has(deed.do) ? made : plain;
  switch (deed.do) {
    case 'create':
      await createCloudKey(vaultContext, act, deed.vaultId, 'all', deed);
      break;
    case 'rotate': {
      const key = await vaultContext.store.db
        .selectFrom('cloud_keys')
        .selectAll()
        .where('id', '=', deed.cloudKeyId)
        .executeTakeFirstOrThrow();
      await rotateCloudKey(vaultContext, act, key, 'asked');
      break;
    }
    case 'rotate-due':
      await rotateDueKeys(vaultContext, silent, new BackOff(), async () => true);
      break;
    case 'rotate-at-limit': {
      const { cloudKeyId: id } = deed;
      // An XKS worker with the supervisor that writes for it: what is killed at a point is either, or both.
      await new RotatingWorker(vaultContext).rotate({ id, current_version: 1 });
      break;
    }
    case 'schedule-deletion':
      await scheduleDeletion(
        vaultContext,
        act,
        { vaultId: deed.vaultId, sight: 'all', id: deed.cloudKeyId },
        7,
      );
      break;
    case 'delete-due':
      await deleteDueKeys(vaultContext, vaultContext.now());
      break;
    case 'issue':
      await issueCredential(
        vaultContext,
        act,
        await getKeySet(vaultContext, deed.vaultId, 'all', deed.keySetId),
      );
      break;
    case 'rotate-credential': {
      const keySet = await getKeySet(vaultContext, deed.vaultId, 'all', deed.keySetId);
      await rotateCredential(vaultContext, act, keySet, { accessKeyId: deed.accessKeyId });
      break;
    }
    case 'delete-vault':
      await deleteVault(vaultContext, act, deed.vaultId, deed.name, undefined);
      break;
    case 'reconcile':
      await reconcile(vaultContext, act, { askedBy: 'start' });
      break;
  }
}

/** Counts the points, and ends the process at one of them. */
class Points {
  count = 0;
  readonly #killAt: number;

  constructor(killAt: number) {
    this.#killAt = killAt;
  }

  pass(): void {
    if (++this.count === this.#killAt) process.kill(process.pid, 'SIGKILL');
  }
}

class MortalStore implements Store {
  readonly db: Store['db'];
  readonly #store: Store;
  readonly #points: Points;

  constructor(store: Store, points: Points) {
    this.db = store.db;
    this.#store = store;
    this.#points = points;
  }

  revision(): number | Promise<number> {
    return this.#store.revision();
  }

  moment() {
    return this.#store.moment();
  }

  changesSince(since: Moment) {
    return this.#store.changesSince(since);
  }

  async change<T>(act: Acting, run: (trx: ChangeTransaction) => Promise<T>): Promise<T> {
    return this.#around(run, async (within) => this.#store.change(act, within));
  }

  async write<T>(act: Acting, run: (trx: ActTransaction) => Promise<T>): Promise<T> {
    return this.#around(run, async (within) => this.#store.write(act, within));
  }

  async bookkeep<T>(why: Unrecorded, run: (trx: Transaction<Tables>) => Promise<T>): Promise<T> {
    return this.#around(run, async (within) => this.#store.bookkeep(why, within));
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  async #around<Trx, T>(
    run: (trx: Trx) => Promise<T>,
    transact: (within: (trx: Trx) => Promise<T>) => Promise<T>,
  ): Promise<T> {
    this.#points.pass();
    return transact(async (trx) => {
      const done = await run(trx);
      this.#points.pass();
      return done;
    });
  }
}

/** The parent's token. */
class FarToken {
  readonly name = 'token';
  readonly members = ['token'];
  readonly usable = true;
  readonly health = 'ACTIVE';
  readonly healthOf = () => 'ACTIVE';
  readonly #points: Points;
  readonly #waiting = new Map<number, (answer: Extract<ToDriver, { kind: 'answer' }>) => void>();
  #lastId = 0;

  constructor(points: Points) {
    this.#points = points;
  }

  receive(answer: Extract<ToDriver, { kind: 'answer' }>): void {
    this.#waiting.get(answer.id)?.(answer);
  }

  async call(request: TokenRequest): Promise<unknown> {
    this.#points.pass();
    const id = ++this.#lastId;
    const answered = new Promise<Extract<ToDriver, { kind: 'answer' }>>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    await new Promise<void>((resolve) => {
      process.send?.({ kind: 'call', id, token: this.name, request } satisfies FromDriver, () => resolve());
    });
    // The token has it, and nobody is left to hear what comes of it.
    this.#points.pass();
    const { value, fault } = await answered;
    if (fault !== undefined) throw new TokenError(fault.fault, fault.call);
    return { value, queue: 0, token: 0, host: 0 };
  }
}

async function obey({ storePath, instance, ahead, killAt, deed, idempotencyKey }: Order): Promise<void> {
  const points = new Points(killAt);
  const token = new FarToken(points);
  process.on('message', (message: ToDriver) => {
    if (message.kind === 'answer') token.receive(message);
  });
  const vaultContext: KeyContext = {
    store: new MortalStore(await SqliteStore.open(storePath), points),
    tokens: new TokenPools([token as unknown as TokenClient]),
    now: () => new Date(Date.now() + ahead),
    instance,
    followers: [awsFollower],
  };
  await perform(vaultContext, deed, idempotencyKey);
  points.pass();
  process.send?.({ kind: 'done', points: points.count } satisfies FromDriver);
}

if (import.meta.main) {
  process.on('message', (message: ToDriver) => {
    if (message.kind !== 'order') return;
    obey(message.order).catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ kind: 'ready' } satisfies FromDriver);
}
