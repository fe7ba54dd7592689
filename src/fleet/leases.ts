import { sql, type Selectable } from 'kysely';
import { beginsWith } from '../vault/begins-with.ts';
import { monotonicNow } from '../clock.ts';
import type { LeaseTable } from '../store/schema.ts';
import { rowsOf, type ClearedRows } from '../store/cleared-rows.ts';
import type { VaultContext } from '../vault/context.ts';

const leaseTime = 60_000;
/** A kept lease is renewed when it is this old, milliseconds. */
const renewAfter = 15_000;

/** A lease as a loop keeps it: asked about before each piece of work, written only when it grows old. */
export class KeptLease {
  readonly #context: VaultContext;
  readonly #name: string;
  #renewedAt = -Infinity;

  constructor(context: VaultContext, name: string) {
    this.#context = context;
    this.#name = name;
  }

  /** Whether this process has it. */
  async isHeld(): Promise<boolean> {
    return monotonicNow() - this.#renewedAt < renewAfter || this.renew();
  }

  /** Takes or renews it now. False where another process has it. */
  async renew(): Promise<boolean> {
    this.#renewedAt = -Infinity;
    const held = await holdLease(this.#context, this.#name, leaseTime);
    if (held) this.#renewedAt = monotonicNow();
    return held;
  }

  async release(): Promise<void> {
    await releaseLease(this.#context, this.#name);
  }
}

/**
 * Takes or renews the work called `name` for so many milliseconds: one process of the fleet does it at a time. Free for
 * the taking is what ran out, what an earlier start of this node holds, and what ends later than any holder could have
 * asked for: its clock stood in the future. False where another holds it.
 */
export async function holdLease(context: VaultContext, name: string, duration: number): Promise<boolean> {
  const now = context.now().getTime();
  const node = `${nodeOf(context.instance)}/`;
  const lease = { holder: context.instance, until: new Date(now + duration).toISOString() };
  return context.store.bookkeep('lease', async (trx) => {
    const { numInsertedOrUpdatedRows } = await trx
      .insertInto('leases')
      .values({ name, ...lease })
      .onConflict((conflict) =>
        conflict
          .column('name')
          .doUpdateSet(lease)
          .where((eb) =>
            eb.or([
              eb('leases.holder', '=', context.instance),
              beginsWith(eb.ref('leases.holder'), node),
              eb('leases.until', '<=', new Date(now).toISOString()),
              eb('leases.until', '>', new Date(now + 2 * duration).toISOString()),
            ]),
          ),
      )
      .executeTakeFirst();
    return (numInsertedOrUpdatedRows ?? 0n) > 0n;
  });
}

/** Gives it back, so that another need not wait for its end. */
export async function releaseLease(context: VaultContext, name: string): Promise<void> {
  await context.store.bookkeep('lease', async (trx) => {
    await trx.deleteFrom('leases').where('name', '=', name).where('holder', '=', context.instance).execute();
  });
}

/** One that no process holds, but what stands in its `holder`: written over whatever was there. */
export async function setLease(
  { store }: Pick<VaultContext, 'store'>,
  lease: Selectable<LeaseTable>,
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

/** The node of an instance, `node id/start`. */
export function nodeOf(instance: string): string {
  return instance.slice(0, instance.lastIndexOf('/'));
}
