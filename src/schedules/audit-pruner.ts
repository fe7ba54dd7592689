import { createHash, type Hash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { sql, type Kysely, type Selectable, type Transaction } from 'kysely';
import { eventLine, showEvent } from '../evidence/event.ts';
import { record, removeEvents } from '../evidence/trail.ts';
import { monotonicNow } from '../clock.ts';
import type { Logger } from '../log.ts';
import { leaveUnrecorded } from '../store/act-transaction.ts';
import type { AuditEventTable, Tables } from '../store/schema.ts';
import { entryOf, pruningIn, type AuditPruning } from './audit-prunings.ts';
import { deletionsHeldUntil } from './deletion-hold.ts';
import { actionsThatStay } from '../keys/destruction-orders.ts';
import type { VaultContext } from '../vault/context.ts';
import { KeptLease } from '../fleet/leases.ts';
import { LostLeaseError } from '../vault/lost-lease-error.ts';
import { notByIndex } from '../vault/page.ts';
import { systemAct } from '../vault/system-act.ts';

/** No look is later than this after the one before, milliseconds; who asks for a pruning wakes the pruner. */
const maxSleep = 30_000;
/** So many events are read at a time: a few milliseconds. */
const readPerBatch = 100;
/** And deleted in one transaction: of each of seven indexes as many pages may have to be written. */
const deletedPerBatch = 50;
/** Between two of them others read and write, milliseconds. */
const pause = 5;

/** Of an event in the order of archives. */
type Place = Pick<Selectable<AuditEventTable>, 'at' | 'sequence'>;
interface Verification {
  hash: Hash;
  count: number;
  first: Place | undefined;
  last: Place;
}
/**
 * Why a pruning that was found to be right is not done all the same, asked before the first event goes; undefined where
 * nothing is against it.
 */
export type PruningGuard = (context: VaultContext, pruning: AuditPruning) => Promise<string | undefined>;

/**
 * Does what prunings ask for: reads the events that are meant and makes their digest, refuses what is not exactly what the
 * archive holds, and deletes the rest in small steps. One process of the fleet does it. Killed anywhere it goes on where the
 * store says; nothing is deleted before the digest was right.
 */
export class AuditPruner {
  readonly #context: VaultContext;
  readonly #log: Logger;
  readonly #guards: readonly PruningGuard[];
  readonly #lease: KeptLease;
  #stopping = new AbortController();
  #waking = new AbortController();
  #looping: Promise<void> | undefined;

  constructor({
    context,
    log,
    guards = [],
  }: {
    context: VaultContext;
    log: Logger;
    guards?: readonly PruningGuard[];
  }) {
    this.#context = context;
    this.#log = log;
    this.#guards = guards;
    this.#lease = new KeptLease(context, 'audit pruning');
  }

  start(): void {
    if (this.#looping !== undefined) return;
    this.#stopping = new AbortController();
    this.#looping = this.#loop(this.#stopping.signal);
  }

  /** There is something to do, or may be. */
  wake(): void {
    this.#waking.abort();
  }

  /** Ends after the step under way, and gives the lease back. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.wake();
    await this.#looping;
    this.#looping = undefined;
    await this.#lease.release().catch((error: unknown) => this.#tell(error));
  }

  /** All that is asked for, to its end. Where a step fails the next look goes on; the others do not wait for it. */
  async runOnce(): Promise<void> {
    const waiting = await this.#context.store.db
      .selectFrom('audit_prunings')
      .selectAll()
      .where('ended_at', 'is', null)
      .orderBy('asked_at')
      .execute();
    const lease = waiting.length === 0 ? undefined : await this.#lease.hold();
    if (lease === undefined) return;
    const context = this.#lease.acting(this.#context, lease);
    for (const pruning of waiting) {
      try {
        if (!(await this.#mayGoOn())) return;
        if (pruning.state === 'DELETING' || (await this.#verify(context, pruning)))
          await this.#delete(context, pruning);
      } catch (error) {
        if (error instanceof LostLeaseError) return this.#log.warn(error.message);
        this.#tell(error, pruning);
      }
    }
  }

  async #loop(stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      this.#waking = new AbortController();
      try {
        await this.runOnce();
      } catch (error) {
        this.#tell(error);
      }
      if (stopping.aborted) return;
      await delay(maxSleep, undefined, { signal: this.#waking.signal }).catch(() => undefined);
    }
  }

  /** True where the events are those of the archive and may go; then it is DELETING. */
  async #verify(context: VaultContext, pruning: AuditPruning): Promise<boolean> {
    const began = monotonicNow();
    const found = await this.#digest(pruning);
    if (found === undefined) return false;
    const sha256 = found.hash.digest('hex');
    const problem = differenceOf(pruning, found.count, sha256) ?? (await this.#objection(pruning));
    const { id } = pruning;
    await context.store.write(systemAct(context, 'audit pruning'), async (trx) => {
      leaveUnrecorded(trx, 'pruning');
      if ((await pruningIn(trx, id, 'VERIFYING')) === undefined) return;
      const facts =
        problem === undefined
          ? {
              state: 'DELETING' as const,
              ...{ first_at: found.first?.at ?? null, first_sequence: found.first?.sequence ?? null },
              ...{ last_at: found.last.at, last_sequence: found.last.sequence },
            }
          : { state: 'REFUSED' as const, problem, ended_at: trx.at.toISOString() };
      await trx.updateTable('audit_prunings').set(facts).where('id', '=', id).execute();
      if (problem !== undefined)
        await record(trx, systemAct(context, 'audit pruning'), {
          ...entryOf(pruning, 'refuse'),
          outcome: 'refused',
          after: { problem },
        });
    });
    const facts = { pruning: id, events: found.count, duration: Math.round(monotonicNow() - began) };
    if (problem === undefined) this.#log.info(facts, 'archived events were verified and are being deleted');
    else this.#log.warn({ ...facts, problem }, 'events of the audit trail are not pruned');
    return problem === undefined;
  }

  async #objection(pruning: AuditPruning): Promise<string | undefined> {
    for (const guard of this.#guards) {
      const problem = await guard(this.#context, pruning);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  /** Of all events that are meant; undefined where it was cut off. */
  async #digest(pruning: AuditPruning): Promise<Verification | undefined> {
    const found: Verification = {
      hash: createHash('sha256'),
      count: 0,
      first: undefined,
      last: { at: pruning.from_at, sequence: 0 },
    };
    for (;;) {
      if (!(await this.#mayGoOn())) return undefined;
      const page = await eventsAfter(this.#context.store.db, pruning, found.last)
        .limit(readPerBatch)
        .selectAll()
        .execute();
      for (const row of page) found.hash.update(eventLine(showEvent(row)));
      found.first ??= page[0];
      found.last = page.at(-1) ?? found.last;
      found.count += page.length;
      // It cannot come right any more, however much there is.
      if (page.length < readPerBatch || found.count > pruning.count) return found;
      await delay(1);
    }
  }

  /** Whatever becomes of the clock meanwhile: what cannot be undone waits while it is not trusted. */
  async #delete(context: VaultContext, { id }: AuditPruning): Promise<void> {
    while ((await this.#mayGoOn()) && (await deletionsHeldUntil(context)) === undefined) {
      const act = systemAct(context, 'audit pruning');
      const after = await context.store.write(act, async (trx) => {
        leaveUnrecorded(trx, 'pruning');
        const pruning = await pruningIn(trx, id, 'DELETING');
        if (pruning === undefined) return undefined;
        const step = await deleteStep(trx, pruning);
        const ended = step.isLast ? { state: 'DONE' as const, ended_at: trx.at.toISOString() } : {};
        const { isLast: _, ...progress } = step;
        await trx
          .updateTable('audit_prunings')
          .set({ ...progress, ...ended })
          .where('id', '=', id)
          .execute();
        const now = { ...pruning, ...progress, ...ended };
        if (step.isLast) await record(trx, act, { ...entryOf(now, 'end'), after: whatWent(now) });
        return now;
      });
      if (after?.state !== 'DELETING') {
        if (after !== undefined)
          this.#log.info({ pruning: id, ...whatWent(after) }, 'the audit trail is pruned');
        return;
      }
      await delay(pause);
    }
  }

  async #mayGoOn(): Promise<boolean> {
    return !this.#stopping.signal.aborted && (await this.#lease.isHeld());
  }

  #tell(error: unknown, pruning?: AuditPruning): void {
    const problem = (error as Error).message;
    this.#log.error({ pruning: pruning?.id, problem }, 'the audit trail could not be pruned; it is retried');
  }
}

function differenceOf(pruning: AuditPruning, count: number, sha256: string): string | undefined {
  if (count > pruning.count) return 'there are events in this range that are not in the archive';
  if (count < pruning.count) return 'there are events in the archive that are not in this range';
  if (sha256 !== pruning.sha256) return 'the events of this range are not those of the archive';
  return undefined;
}

function whatWent({ count, deleted, kept, ...pruning }: AuditPruning): Record<string, unknown> {
  const { first_sequence, first_at, last_sequence, last_at, sha256, actor_name } = pruning;
  return {
    ...{ count, deleted, kept, sha256, askedBy: actor_name },
    ...{ first: first_sequence, firstAt: first_at, last: last_sequence, lastAt: last_at },
  };
}

/** The next events that a pruning means, in the order of archives: by time, then by sequence. */
function eventsAfter(db: Kysely<Tables>, pruning: AuditPruning, { at, sequence }: Place) {
  return (
    db
      .selectFrom('audit_events')
      .where('vault_id', '=', pruning.vault_id)
      .where('at', '<', pruning.before_at)
      .where(sql<boolean>`(at, sequence) > (${at}, ${sequence})`)
      // Not to be looked for by: that would go over all events of the appliance.
      .where((eb) => eb(notByIndex(eb.ref('sequence')), '<=', pruning.head))
      .orderBy('at')
      .orderBy('sequence')
  );
}

type Step = Pick<AuditPruning, 'reached' | 'reached_at' | 'deleted' | 'kept'> & { isLast: boolean };

async function deleteStep(trx: Transaction<Tables>, pruning: AuditPruning): Promise<Step> {
  const reached = { at: pruning.reached_at, sequence: pruning.reached };
  const page = await eventsAfter(trx, pruning, reached)
    .limit(deletedPerBatch)
    .select(['at', 'sequence', 'action'])
    .execute();
  const going = page
    .filter(({ action }) => !actionsThatStay.includes(action))
    .map(({ sequence }) => sequence);
  await removeEvents(trx, going);
  const last = page.at(-1) ?? reached;
  return {
    ...{ reached: last.sequence, reached_at: last.at, isLast: page.length < deletedPerBatch },
    ...{ deleted: pruning.deleted + going.length, kept: pruning.kept + page.length - going.length },
  };
}
