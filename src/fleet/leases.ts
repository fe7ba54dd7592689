import {
  expressionBuilder,
  sql,
  type Expression,
  type Selectable,
  type SqlBool,
  type Transaction,
} from 'kysely';
import { beginsWith } from '../vault/begins-with.ts';
import { monotonicNow } from '../clock.ts';
import type { LeaseTable, Tables } from '../store/schema.ts';
import { rowsOf, type ClearedRows } from '../store/cleared-rows.ts';
import type { Authority } from '../store/store.ts';
import type { VaultContext } from '../vault/context.ts';
import { leavesSchedulesIn, nodeOf } from './nodes.ts';
import { LostLeaseError } from '../vault/lost-lease-error.ts';

const leaseTime = 60_000;
/** A kept lease is renewed when it is this old, milliseconds. */
const renewAfter = 15_000;

/**
 * A lease as a loop keeps it: asked about before each piece of work, written only when it grows old. What the loop does is done
 * under the term in which it took the lease ({@link KeptLease.acting}). A node that is drained gives it up, and takes
 * none, where another does that work.
 */
export class KeptLease {
  readonly #context: VaultContext;
  readonly #name: string;
  #lease: Lease | undefined;
  #renewedAt = -Infinity;

  constructor(context: VaultContext, name: string) {
    this.#context = context;
    this.#name = name;
  }

  /** The lease, taken or renewed where it has grown old. Undefined where another process has it. */
  async hold(): Promise<Lease | undefined> {
    return this.#isYoung ? this.#lease : this.renew();
  }

  /** The same, renewed in any case. In its term, unless another had it meanwhile. */
  async renew(): Promise<Lease | undefined> {
    const before = this.#lease;
    return this.#keep(async (trx) =>
      before !== undefined && (await renewLease(trx, this.#context, before, leaseTime))
        ? before
        : takeLeaseIn(trx, this.#context, this.#name, leaseTime),
    );
  }

  /** Whether this process has it still, in the term in which it took it. */
  async isHeld(): Promise<boolean> {
    const before = this.#lease;
    if (before === undefined || this.#isYoung) return before !== undefined;
    const held = await this.#keep(async (trx) =>
      (await renewLease(trx, this.#context, before, leaseTime)) ? before : undefined,
    );
    return held !== undefined;
  }

  /**
   * Whose acts of its own are done under the term of the lease: the transaction of each looks first whether somebody has taken it
   * since, by whatever clock, and then does nothing. Throws LostLeaseError there.
   */
  acting<C extends VaultContext>(context: C, lease: Lease): C {
    const authority: Authority = {
      confirm: async (trx) => {
        if (await isOfTerm(trx, lease)) return;
        if (this.#lease === lease) this.#lease = undefined;
        throw new LostLeaseError(lease.name);
      },
    };
    return { ...context, authority };
  }

  async release(): Promise<void> {
    const lease = this.#lease;
    if (lease === undefined) return;
    this.#lease = undefined;
    await this.#context.store.bookkeep('lease', async (trx) => endLease(trx, lease));
  }

  get #isYoung(): boolean {
    return this.#lease !== undefined && monotonicNow() - this.#renewedAt < renewAfter;
  }

  async #keep(run: (trx: Transaction<Tables>) => Promise<Lease | undefined>): Promise<Lease | undefined> {
    const before = this.#lease;
    // What fails leaves it to be asked for anew; and it lasts from before it was asked for.
    this.#renewedAt = -Infinity;
    const began = monotonicNow();
    this.#lease = await this.#context.store.bookkeep('lease', async (trx) => {
      const { instance, now } = this.#context;
      if (!(await leavesSchedulesIn(trx, nodeOf(instance), now()))) return run(trx);
      // Another node is to do it, at once.
      if (before !== undefined) await endLease(trx, before);
      return undefined;
    });
    if (this.#lease !== undefined) this.#renewedAt = began;
    return this.#lease;
  }
}

/** A lease as it was taken. While nobody has taken it since, by whatever clock, its term is the last. */
export interface Lease {
  name: string;
  holder: string;
  term: number;
}

/**
 * Takes or renews the work called `name` for so many milliseconds, in a new term: one process of the fleet does it at a time. Free for
 * the taking is what ran out, what an earlier start of this node holds, and what ends later than any holder could have
 * asked for: its clock stood in the future. Undefined where another holds it.
 */
export async function takeLease(
  context: VaultContext,
  name: string,
  duration: number,
): Promise<Lease | undefined> {
  return context.store.bookkeep('lease', async (trx) => takeLeaseIn(trx, context, name, duration));
}

/** In a transaction that does more. */
export async function takeLeaseIn(
  trx: Transaction<Tables>,
  context: Pick<VaultContext, 'instance' | 'now'>,
  name: string,
  duration: number,
): Promise<Lease | undefined> {
  const until = new Date(context.now().getTime() + duration).toISOString();
  const lease = { holder: context.instance, until };
  const taken = await trx
    .insertInto('leases')
    .values({ name, ...lease, term: 1 })
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet((eb) => ({ ...lease, term: eb('leases.term', '+', 1) }))
        .where(isFree(context, duration)),
    )
    .returning('term')
    .executeTakeFirst();
  return taken && { name, holder: context.instance, term: taken.term };
}

/** What may be taken. */
function isFree(
  { instance, now }: Pick<VaultContext, 'instance' | 'now'>,
  duration: number,
): Expression<SqlBool> {
  const eb = expressionBuilder<Tables, 'leases'>();
  const at = now().getTime();
  return eb.or([
    eb('leases.holder', '=', instance),
    beginsWith(eb.ref('leases.holder'), `${nodeOf(instance)}/`),
    eb('leases.until', '<=', new Date(at).toISOString()),
    eb('leases.until', '>', new Date(at + 2 * duration).toISOString()),
  ]);
}

/**
 * Whether nobody has taken it since; then it lasts so many milliseconds from now. In the transaction of a result, which is
 * written only then: a process that was stopped for an hour has what it holds for as long as no other wants it.
 */
export async function renewLease(
  trx: Transaction<Tables>,
  { now }: Pick<VaultContext, 'now'>,
  { name, holder, term }: Lease,
  duration: number,
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('leases')
    .set({ until: new Date(now().getTime() + duration).toISOString() })
    .where('name', '=', name)
    .where('holder', '=', holder)
    .where('term', '=', term)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Whether nobody has taken it since. */
async function isOfTerm(trx: Transaction<Tables>, { name, holder, term }: Lease): Promise<boolean> {
  const row = await trx
    .selectFrom('leases')
    .select('name')
    .where('name', '=', name)
    .where('holder', '=', holder)
    .where('term', '=', term)
    .executeTakeFirst();
  return row !== undefined;
}

/** Gives it back, where nobody has taken it since. */
export async function endLease(trx: Transaction<Tables>, { name, holder, term }: Lease): Promise<void> {
  await trx
    .deleteFrom('leases')
    .where('name', '=', name)
    .where('holder', '=', holder)
    .where('term', '=', term)
    .execute();
}

/**
 * For a result of work that took no lease: one that is free for the taking is taken away, so that whoever had it writes nothing
 * any more. False where another holds it.
 */
export async function takeAwayLease(
  trx: Transaction<Tables>,
  context: Pick<VaultContext, 'instance' | 'now'>,
  name: string,
  duration: number,
): Promise<boolean> {
  const held = await trx.selectFrom('leases').select('name').where('name', '=', name).executeTakeFirst();
  // As a rule there is none.
  if (held === undefined) return true;
  const { numDeletedRows } = await trx
    .deleteFrom('leases')
    .where('name', '=', name)
    .where(isFree(context, duration))
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

/** One that no process holds, but what stands in its `holder`: written over whatever was there. */
export async function setLease(
  { store }: Pick<VaultContext, 'store'>,
  lease: Omit<Selectable<LeaseTable>, 'term'>,
): Promise<void> {
  const { name: _, ...facts } = lease;
  await store.bookkeep('lease', async (trx) =>
    trx
      .insertInto('leases')
      .values(lease)
      .onConflict((conflict) => conflict.column('name').doUpdateSet(facts))
      .execute(),
  );
}

/** Takes it away, whoever holds it. */
export async function dropLease({ store }: Pick<VaultContext, 'store'>, name: string): Promise<void> {
  await store.bookkeep('lease', async (trx) => trx.deleteFrom('leases').where('name', '=', name).execute());
}

/** Those that ran out before this moment, ISO 8601: they have no holder who could come back for them. */
export function staleLeases(before: string): ClearedRows {
  return rowsOf('leases', sql`until <= ${before}`);
}
