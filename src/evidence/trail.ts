import { isDeepStrictEqual } from 'node:util';
import { sql, type Transaction } from 'kysely';
import { rowsOf, type ClearedRows } from '../store/cleared-rows.ts';
import { willStand } from '../store/read-back.ts';
import type { AuditEventTable, Tables } from '../store/schema.ts';
import type { SeenVersion } from '../store/act-transaction.ts';
import type { ActTransaction, Authority, Store } from '../store/store.ts';

/** Who acts, on whose behalf a vault function runs. */
export interface Actor {
  kind: AuditEventTable['actor_kind'];
  /** User or API key id; '' where there is none. */
  id: string;
  /** User name, or what of ours acts: `schedule`, `reconcile`, `quickstart`. */
  name: string;
  /** Of a user, and of an API key its user's: which vault they are of, '' for the appliance. */
  vaultId?: string;
}

/** One act under way: what the trail and the idempotency table need to know of it. */
export interface Act {
  actor: Actor;
  /** Where the request came from; '' for acts of our own. */
  address: string;
  requestId: string;
  /** When it began. It is done when its transaction is (`trx.at`). */
  at: Date;
  now: () => Date;
  /** What lets the actor do it, confirmed in each of its transactions. */
  authority: Authority;
  /** What the caller has seen of the record that it is on; undefined where any version is meant. */
  seen?: SeenVersion | undefined;
  /** The Idempotency-Key of a create. */
  idempotency?: { key: string; requestHash: Buffer };
  /** Why, as whoever asked for it has told: kept with each event of the act. */
  reason?: string;
  /** Filled in with the tables of which its transactions change rows. */
  changed?: Set<string>;
  /** It is done though the store has lost changes on which nobody has decided. */
  despiteLoss?: boolean;
}

/** Of acts that nobody asked for, and of what must be brought to an end whoever began it. */
export const ownAuthority: Authority = { confirm: async () => undefined };

/**
 * The act, for what has to be put on record or undone whether or not its actor still may: the result of something that
 * was begun outside the store while they might, whatever version the record is by then. Never for what the act is asked to do.
 */
export function aftermathOf(act: Act): Act {
  return { ...act, authority: ownAuthority, seen: undefined, despiteLoss: true };
}

export interface AuditEntry {
  /** `<kind of thing>.<verb>`, such as `cloud-key.disable`. */
  action: string;
  /** '' for acts on the appliance. */
  vaultId: string;
  target: { kind: string; id: string; name: string };
  outcome?: 'done' | 'refused';
  /** The record before and after: only what differs is kept, and never a secret. */
  before?: Readonly<Record<string, unknown>>;
  after?: Readonly<Record<string, unknown>>;
  /** The act makes `target`: an Idempotency-Key is remembered with it. */
  creates?: boolean;
}

/** An Idempotency-Key was used by two requests at once: the other one made the record. */
export class IdempotencyConflictError extends Error {
  constructor() {
    super('another request with this Idempotency-Key is under way');
    this.name = 'IdempotencyConflictError';
  }
}

/**
 * Writes an act into the audit trail, in the transaction that does it: an act that is done is on the record, and one
 * that is undone is not (promise 7).
 */
export async function record(trx: ActTransaction, act: Act, entry: AuditEntry): Promise<void> {
  const event = eventOf(trx, act, entry);
  const { after } = event;
  const written = await trx.insertInto('audit_events').values(event).returningAll().executeTakeFirst();
  // What the database does by itself when a row comes in may be to drop it, or to make another of it.
  willStand(trx, `the audit event ${entry.action}`, async () => {
    if (written === undefined) return false;
    const { sequence } = written;
    const found = await trx.selectFrom('audit_events').selectAll().where('sequence', '=', sequence).execute();
    return isDeepStrictEqual(found, [written]) && written.action === entry.action && written.after === after;
  });
  if (entry.creates === true) await rememberCreation(trx, act, entry.target.id);
}

/** So many events go into one statement. */
const eventsPerBatch = 500;

/** The same for an act on many things, an event for each; none of them is made by it. */
export async function recordEach(
  trx: ActTransaction,
  act: Act,
  entries: readonly Omit<AuditEntry, 'creates'>[],
): Promise<void> {
  for (let at = 0; at < entries.length; at += eventsPerBatch) {
    const events = entries.slice(at, at + eventsPerBatch).map((entry) => eventOf(trx, act, entry));
    const written = await trx.insertInto('audit_events').values(events).returningAll().execute();
    willStand(trx, 'the audit events of the act', async () => {
      const [first, last] = [written.at(0)?.sequence, written.at(-1)?.sequence];
      if (first === undefined || last === undefined) return false;
      const found = await trx
        .selectFrom('audit_events')
        .selectAll()
        .where('sequence', '>=', first)
        .where('sequence', '<=', last)
        .orderBy('sequence')
        .execute();
      return (
        isDeepStrictEqual(found, written) &&
        written.length === events.length &&
        written.every(
          ({ action, target_id, after }, index) =>
            action === events[index]?.action &&
            target_id === events[index].target_id &&
            after === events[index].after,
        )
      );
    });
  }
}

function eventOf(trx: ActTransaction, act: Act, entry: AuditEntry) {
  const told = act.reason === undefined ? entry.after : { ...entry.after, reason: act.reason };
  const [before, after] = differences(entry.before, told);
  return {
    at: trx.at.toISOString(),
    began_at: act.at.toISOString(),
    vault_id: entry.vaultId,
    actor_kind: act.actor.kind,
    actor_id: act.actor.id,
    actor_name: act.actor.name,
    actor_vault_id: act.actor.vaultId ?? null,
    address: act.address,
    request_id: act.requestId,
    action: entry.action,
    outcome: entry.outcome ?? ('done' as const),
    target_kind: entry.target.kind,
    target_id: entry.target.id,
    target_name: entry.target.name,
    before,
    after,
  };
}

/**
 * Remembers what a create with an Idempotency-Key makes. By itself where a record comes before the act is done: a
 * repetition after a kill finds the record.
 */
export async function rememberCreation(trx: ActTransaction, act: Act, targetId: string): Promise<void> {
  if (act.idempotency === undefined) return;
  const taken = await trx
    .insertInto('idempotency_keys')
    .values({
      actor_id: act.actor.id,
      key: act.idempotency.key,
      request_hash: act.idempotency.requestHash,
      target_id: targetId,
      created_at: trx.at.toISOString(),
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (taken.numInsertedOrUpdatedRows === 0n) throw new IdempotencyConflictError();
}

/** Forgets it again where the record is taken back: a repetition then begins anew. */
export async function forgetCreation(trx: Transaction<Tables>, targetId: string): Promise<void> {
  await trx.deleteFrom('idempotency_keys').where('target_id', '=', targetId).execute();
}

/** Those of requests before this moment, ISO 8601: a repetition is a new request by now. */
export function oldIdempotencyKeys(before: string): ClearedRows {
  return rowsOf('idempotency_keys', sql`created_at <= ${before}`);
}

/** Takes events out of the trail. For its pruning, once it is certain that an archive has them. */
export async function removeEvents(trx: Transaction<Tables>, sequences: readonly number[]): Promise<void> {
  if (sequences.length === 0) return;
  await trx.deleteFrom('audit_events').where('sequence', 'in', sequences).execute();
}

/** Writes what was refused, or anything that comes without a change of its own. */
export async function recordAlone(store: Store, act: Act, entry: AuditEntry): Promise<void> {
  await store.write(act, async (trx) => record(trx, act, entry));
}

/** Of two states of a record the fields that differ, as JSON; all of one where there is no other. */
function differences(
  before: AuditEntry['before'],
  after: AuditEntry['after'],
): [string | null, string | null] {
  if (before === undefined || after === undefined) return [toJson(before), toJson(after)];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => !isDeepStrictEqual(before[name], after[name]),
  );
  const pick = (from: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(names.filter((name) => name in from).map((name) => [name, from[name]]));
  return [toJson(pick(before)), toJson(pick(after))];
}

function toJson(value: Readonly<Record<string, unknown>> | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
