import { randomUUID } from 'node:crypto';
import { sql, type Selectable, type Transaction } from 'kysely';
import { record, type Act } from '../evidence/trail.ts';
import type { SeenVersion } from '../store/act-transaction.ts';
import type { Tables, VaultTable } from '../store/schema.ts';
import { restricts } from '../store/read-back.ts';
import type { ActTransaction, ChangeTransaction } from '../store/store.ts';
import { checkRowVersion, type VaultContext, type Sight } from './context.ts';
import { parseDescription, parseTitle } from './names.ts';
import { readPage, type Page, type PageInput } from './page.ts';
import { seenBy } from './sight.ts';
import { VaultError } from './vault-error.ts';
import { tokensOf } from './granted-tokens.ts';
import { bumpRecord, editRecord } from './edit-record.ts';

/** A vault with how much is in it: key sets, and CloudKeys that are not deleted. */
export type Vault = Selectable<VaultTable> & { key_sets: number; cloud_keys: number };

export interface VaultInput {
  name: string;
  description?: string | undefined;
  administrator: { name: string; email: string };
  /** Names of tokens that its key sets may use; all of the configuration unless told. */
  tokens?: readonly string[] | undefined;
}

export interface VaultChange {
  name?: string | undefined;
  description?: string | undefined;
  administrator?: { name: string; email: string } | undefined;
  tokens?: readonly string[] | undefined;
}

export const vaultOrders = {
  name: 'vaults.name',
  createdAt: 'vaults.created_at',
  updatedAt: 'vaults.updated_at',
} as const;

/** `name` is the beginning of one. */
export async function listVaults(
  context: VaultContext,
  input: PageInput & { name?: string | undefined },
): Promise<Page<Vault>> {
  let query = vaults(context.store.db);
  if (input.name !== undefined)
    query = query.where(sql<string>`substr(vaults.name, 1, ${input.name.length})`, '=', input.name);
  const through = context.store.db.selectFrom('vaults').where('vaults.deleted_at', 'is', null);
  return readPage(query, through, vaultOrders, 'vaults.id', input);
}

/** Throws VaultError `not-found`, also for a vault that was deleted. */
export async function findVault(
  db: VaultContext['store']['db'] | Transaction<Tables>,
  vaultId: string,
  sight: Sight = 'all',
): Promise<Vault> {
  const vault = await vaults(db, sight).where('vaults.id', '=', vaultId).executeTakeFirst();
  if (vault === undefined) throw new VaultError('not-found', 'there is no such vault');
  return vault;
}

/** In a transaction that makes its first administrator too. Throws VaultError, NameError. */
export async function insertVault(
  trx: ActTransaction,
  context: VaultContext,
  act: Act,
  input: VaultInput,
): Promise<Vault> {
  const now = context.now().toISOString();
  const tokens = checkTokens(context, input.tokens ?? context.tokens.all.map(({ name }) => name));
  checkSomeToken(tokens);
  const row = await trx
    .insertInto('vaults')
    .values({
      id: randomUUID(),
      name: parseTitle(input.name),
      type: 'cloud-key-management',
      description: parseDescription(input.description ?? ''),
      administrator_name: input.administrator.name,
      administrator_email: input.administrator.email,
      tokens: JSON.stringify(tokens),
      deleted_at: null,
      created_at: now,
      updated_at: now,
    })
    .onConflict((conflict) => conflict.column('name').where('deleted_at', 'is', null).doNothing())
    .returningAll()
    .executeTakeFirst();
  if (row === undefined) throw nameTaken();
  await recordInBoth(trx, act, row, { action: 'vault.create', after: shownInTrail(row), creates: true });
  return { ...row, key_sets: 0, cloud_keys: 0 };
}

/** Throws VaultError `conflict` for a token that a key set uses and that would be taken away. */
export async function updateVault(
  context: VaultContext,
  act: Act,
  vaultId: string,
  change: VaultChange,
  expected: SeenVersion | undefined,
): Promise<Vault> {
  const fields = {
    ...(change.name === undefined ? {} : { name: parseTitle(change.name) }),
    ...(change.description === undefined ? {} : { description: parseDescription(change.description) }),
    ...(change.administrator === undefined
      ? {}
      : {
          administrator_name: change.administrator.name,
          administrator_email: change.administrator.email,
        }),
  };
  return context.store.change(act, async (trx) => {
    const before = await findVault(trx, vaultId);
    checkRowVersion(before, expected);
    if (fields.name !== undefined && fields.name !== before.name) {
      const taken = await vaults(trx).where('vaults.name', '=', fields.name).executeTakeFirst();
      if (taken !== undefined) throw nameTaken();
    }
    const tokens =
      change.tokens === undefined ? undefined : await changeTokens(trx, context, before, change.tokens);
    const edit = { ...fields, ...(tokens === undefined ? {} : { tokens: JSON.stringify(tokens) }) };
    if ((await editRecord(trx, 'vaults', before, edit)) === undefined) return before;
    const after = await findVault(trx, vaultId);
    await recordInBoth(trx, act, after, {
      action: 'vault.update',
      before: shownInTrail(before),
      after: shownInTrail(after),
    });
    return after;
  });
}

/** Who administers it, as shown in its details. */
export async function nameAdministrator(
  trx: ChangeTransaction,
  vault: Vault,
  { name, email }: { name: string; email: string },
): Promise<void> {
  await bumpRecord(trx, 'vaults', vault, { administrator_name: name, administrator_email: email });
}

/** Out of view from now on, and nothing is served from it; what was in it is for the act that ends it. */
export async function closeVault(trx: ChangeTransaction, vault: Vault): Promise<void> {
  await bumpRecord(trx, 'vaults', vault, {
    deleted_at: trx.at.toISOString(),
    // A request that was under way makes no key set in it any more, and XKS workers serve nothing of it.
    tokens: '[]',
  });
  restricts(trx, 'the end of the vault', async () => {
    const after = await trx
      .selectFrom('vaults')
      .select(['deleted_at', 'tokens'])
      .where('id', '=', vault.id)
      .executeTakeFirst();
    return typeof after?.deleted_at === 'string' && after.tokens === '[]';
  });
}

/** An act of the appliance on a vault stands in the trail of both: each is whole for those who read it. */
export async function recordInBoth(
  trx: ActTransaction,
  act: Act,
  vault: { id: string; name: string },
  entry: Pick<Parameters<typeof record>[2], 'action' | 'before' | 'after' | 'creates'>,
): Promise<void> {
  const target = { kind: 'vault', id: vault.id, name: vault.name };
  await record(trx, act, { ...entry, vaultId: '', target });
  await record(trx, act, { ...entry, creates: false, vaultId: vault.id, target });
}

/** What of a vault goes into the trail. */
export function shownInTrail(vault: Selectable<VaultTable>): Record<string, unknown> {
  return {
    name: vault.name,
    description: vault.description,
    administratorName: vault.administrator_name,
    administratorEmail: vault.administrator_email,
    tokens: tokensOf(vault),
  };
}

/** Key sets and CloudKeys are counted as far as they are seen. */
function vaults(db: VaultContext['store']['db'] | Transaction<Tables>, sight: Sight = 'all') {
  return db
    .selectFrom('vaults')
    .selectAll('vaults')
    .select((eb) => [
      eb
        .selectFrom('key_sets')
        .select((inner) => inner.fn.countAll<number>().as('count'))
        .whereRef('key_sets.vault_id', '=', 'vaults.id')
        .where('key_sets.removed_at', 'is', null)
        .where((inner) => seenBy(inner.ref('key_sets.admin_group_id'), sight))
        .$asScalar()
        .$notNull()
        .as('key_sets'),
      eb
        .selectFrom('cloud_keys')
        .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
        .select((inner) => inner.fn.countAll<number>().as('count'))
        .whereRef('key_sets.vault_id', '=', 'vaults.id')
        .where((inner) => seenBy(inner.ref('key_sets.admin_group_id'), sight))
        .where('cloud_keys.state', '<>', 'DELETED')
        .$asScalar()
        .$notNull()
        .as('cloud_keys'),
    ])
    .where('vaults.deleted_at', 'is', null);
}

/** Only the tokens that a change adds must be in the configuration: one that was taken out of it may stay or go. */
async function changeTokens(
  trx: Transaction<Tables>,
  context: VaultContext,
  vault: Vault,
  input: readonly string[],
): Promise<string[]> {
  const had = tokensOf(vault);
  const tokens = [...new Set(input)];
  checkTokens(
    context,
    tokens.filter((token) => !had.includes(token)),
  );
  checkSomeToken(tokens);
  const inUse = await trx
    .selectFrom('key_sets')
    .select('token')
    .distinct()
    .where('vault_id', '=', vault.id)
    .execute();
  if (inUse.some(({ token }) => had.includes(token) && !tokens.includes(token)))
    throw new VaultError(
      'conflict',
      'a key set of the vault uses a token that would be taken away',
      'delete its key sets first',
    );
  return tokens;
}

function checkSomeToken(tokens: readonly string[]): void {
  if (tokens.length === 0) throw new VaultError('invalid', 'a vault needs at least one token');
}

function checkTokens(context: VaultContext, tokens: readonly string[]): string[] {
  if (!tokens.every((token) => context.tokens.has(token)))
    throw new VaultError(
      'invalid',
      'a token is named that the configuration does not have',
      'see: holdfast token list',
    );
  return [...new Set(tokens)];
}

function nameTaken(): VaultError {
  return new VaultError('conflict', 'another vault has this name');
}
