import { randomUUID } from 'node:crypto';
import { sql, type Selectable, type Transaction } from 'kysely';
import { record, type Act, type AuditEntry } from '../evidence/trail.ts';
import type { AuditPruningTable, Tables } from '../store/schema.ts';
import { deletionsHeldUntil } from './deletion-hold.ts';
import type { VaultContext } from '../vault/context.ts';
import { readPage, type Page, type PageInput } from '../vault/page.ts';
import { VaultError } from '../vault/vault-error.ts';
import { counted } from '../counted.ts';

/*
 * Pruning the trail: events that somebody has copied into an archive are deleted. Asked for over the API with the digest of
 * what is in the archive; done in the background (audit-pruner.ts), once the node has come to the same digest itself.
 */

export type AuditPruning = Selectable<AuditPruningTable>;

/** What is to go: what is in a verified archive, and no other event. */
export interface PruningInput {
  /** null for the beginning of the trail. */
  from: string | null;
  before: string;
  /** Of the events in the archive, and SHA-256 of their lines. */
  count: number;
  sha256: string;
  /** Asked for by the appliance, of the trail of a vault: then it is in both. */
  byAppliance?: boolean;
}

export const pruningOrders = { askedAt: 'audit_prunings.asked_at' } as const;

const day = 86_400_000;

/** What lies before this moment may be pruned. */
export function prunableBefore(now: Date, keepAtLeastDays: number): string {
  return new Date(now.getTime() - keepAtLeastDays * day).toISOString();
}

/** Which trails someone sees: that of their vault; of the appliance its own and those of deleted vaults. */
export async function assertDeletedVault(
  { store }: Pick<VaultContext, 'store'>,
  vaultId: string,
): Promise<void> {
  const found = await store.db
    .selectFrom('vaults')
    .select('id')
    .where('id', '=', vaultId)
    .where('deleted_at', 'is not', null)
    .executeTakeFirst();
  if (found === undefined) throw new VaultError('not-found', 'there is no deleted vault of this id');
}

/**
 * Asks for it. Throws VaultError `invalid` where the events are too young, `conflict` while another pruning of this trail
 * is under way or the clock is not trusted.
 */
// oxlint-disable-next-line max-lines-per-function -- steps whose order is the promise: nothing is deleted that is not in the archive
export async function createPruning(
  context: VaultContext,
  act: Act,
  vaultId: string,
  input: PruningInput,
  keepAtLeastDays: number,
): Promise<AuditPruning> {
  const from = input.from === null ? '' : new Date(input.from).toISOString();
  const before = new Date(input.before).toISOString();
  const youngest = prunableBefore(context.now(), keepAtLeastDays);
  if (before > youngest)
    throw new VaultError(
      'invalid',
      `events are kept for ${counted(keepAtLeastDays, 'day')} at least: none from ${youngest} on is pruned`,
      'prune up to an earlier moment; whoever runs the node can change audit.keep_at_least_days in its configuration',
    );
  if (from >= before) throw new VaultError('invalid', 'the range is empty: from is not earlier than before');
  const held = await deletionsHeldUntil(context);
  if (held !== undefined)
    throw new VaultError(
      'conflict',
      `the clock of the node jumped ahead, or a backup was restored: nothing is deleted until ${held.toISOString()}`,
      'check that all is right, then try again after that time',
    );
  return context.store.write(act, async (trx) => {
    const other = await trx
      .selectFrom('audit_prunings')
      .select('id')
      .where('vault_id', '=', vaultId)
      .where('ended_at', 'is', null)
      .executeTakeFirst();
    if (other !== undefined)
      throw new VaultError(
        'conflict',
        `another pruning of this trail is under way: ${other.id}`,
        'wait until it has ended: holdfast audit prunings',
      );
    const { head } = await trx
      .selectFrom('audit_events')
      .select((eb) => eb.fn.coalesce(eb.fn.max('sequence'), sql<number>`0`).as('head'))
      .executeTakeFirstOrThrow();
    const pruning = await trx
      .insertInto('audit_prunings')
      .values({
        ...{
          id: randomUUID(),
          vault_id: vaultId,
          state: 'VERIFYING',
          from_at: from,
          before_at: before,
          head,
        },
        ...{ count: input.count, sha256: input.sha256, reached_at: from, reached: 0, deleted: 0, kept: 0 },
        ...{ actor_kind: act.actor.kind, actor_id: act.actor.id, actor_name: act.actor.name },
        asked_at: trx.at.toISOString(),
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    const { count, sha256 } = input;
    const after = { from: input.from === null ? null : from, before, count, sha256 };
    await record(trx, act, { ...entryOf(pruning, 'create'), after, creates: true });
    if (input.byAppliance === true && vaultId !== '')
      await record(trx, act, {
        ...entryOf(pruning, 'create'),
        after: { vault: vaultId, ...after },
        vaultId: '',
      });
    return pruning;
  });
}

/** What the trail says of a pruning. */
export function entryOf(pruning: AuditPruning, verb: 'create' | 'end' | 'refuse'): AuditEntry {
  return {
    action: `audit-pruning.${verb}`,
    vaultId: pruning.vault_id,
    target: { kind: 'audit-pruning', id: pruning.id, name: `before ${pruning.before_at}` },
  };
}

/** Of one trail, '' for the appliance's. */
export async function listPrunings(
  { store }: Pick<VaultContext, 'store'>,
  vaultId: string,
  page: PageInput,
): Promise<Page<AuditPruning>> {
  const through = store.db.selectFrom('audit_prunings').where('vault_id', '=', vaultId);
  return readPage(through.selectAll(), through, pruningOrders, 'audit_prunings.id', page);
}

/** Throws VaultError `not-found`; with `vaultId` '' those of deleted vaults are found too. */
export async function getPruning(
  { store }: Pick<VaultContext, 'store'>,
  vaultId: string,
  id: string,
): Promise<AuditPruning> {
  const row = await store.db.selectFrom('audit_prunings').selectAll().where('id', '=', id).executeTakeFirst();
  const notFound = new VaultError('not-found', 'there is no such pruning');
  if (row === undefined) throw notFound;
  if (row.vault_id === vaultId) return row;
  if (vaultId !== '') throw notFound;
  await assertDeletedVault({ store }, row.vault_id);
  return row;
}

/** Up to where the trail was pruned; null where it never was. */
export async function prunedBefore(
  { store }: Pick<VaultContext, 'store'>,
  vaultId: string,
): Promise<string | null> {
  const row = await store.db
    .selectFrom('audit_prunings')
    .select((eb) => eb.fn.max('before_at').as('before'))
    .where('vault_id', '=', vaultId)
    .where('state', '=', 'DONE')
    .executeTakeFirst();
  return row?.before ?? null;
}

/** As it is now in the transaction; undefined where it is not in this state any more. */
export async function pruningIn(
  trx: Transaction<Tables>,
  id: string,
  state: AuditPruning['state'],
): Promise<AuditPruning | undefined> {
  return trx
    .selectFrom('audit_prunings')
    .selectAll()
    .where('id', '=', id)
    .where('state', '=', state)
    .executeTakeFirst();
}
