import { sql, type RawBuilder } from 'kysely';
import type { Caller } from '../identity/caller.ts';
import type { Tables } from '../store/schema.ts';
import type { Reading } from '../vault/edits.ts';
import type { Route } from './route.ts';

/** What somebody reached for, as the trail names it. */
export interface Target {
  kind: string;
  id: string;
  name: string;
}

interface Kind {
  kind: string;
  table: keyof Tables;
  column: string;
  /** What its acts call it in the trail, of a vault's own thing (of the appliance: ''); the columns `id`, `name` and `vault_id`. */
  named?: RawBuilder<unknown>;
}

const ofTable = (table: keyof Tables, name = 'name') =>
  sql`SELECT id, ${sql.ref(name)} AS name, vault_id FROM ${sql.table(table)}`;
const inKeySet = (table: keyof Tables, id: string, name: string) =>
  sql`SELECT ${sql.ref(`${table}.${id}`)} AS id, ${sql.ref(name)} AS name, key_sets.vault_id AS vault_id
    FROM ${sql.table(table)} INNER JOIN key_sets ON key_sets.id = ${sql.ref(`${table}.key_set_id`)}`;

/** What a parameter of a path names. The last one of a path is reached for. */
const kinds: Readonly<Record<string, Kind>> = {
  vaultId: {
    kind: 'vault',
    table: 'vaults',
    column: 'id',
    // Whoever looks after the appliance knows what vaults are called.
    named: sql`SELECT id, name, id AS vault_id FROM vaults UNION ALL SELECT id, name, '' FROM vaults`,
  },
  userId: { kind: 'user', table: 'users', column: 'id', named: ofTable('users', 'username') },
  groupId: { kind: 'admin-group', table: 'admin_groups', column: 'id', named: ofTable('admin_groups') },
  cspAccountId: { kind: 'csp-account', table: 'csp_accounts', column: 'id', named: ofTable('csp_accounts') },
  keySetId: { kind: 'key-set', table: 'key_sets', column: 'id', named: ofTable('key_sets') },
  externalKeyStoreId: {
    kind: 'external-key-store',
    table: 'external_key_stores',
    column: 'id',
    named: ofTable('external_key_stores'),
  },
  accessKeyId: {
    kind: 'credential',
    table: 'xks_credentials',
    column: 'access_key_id',
    named: inKeySet('xks_credentials', 'access_key_id', 'key_sets.name'),
  },
  cloudKeyId: {
    kind: 'cloud-key',
    table: 'cloud_keys',
    column: 'id',
    named: inKeySet('cloud_keys', 'id', 'cloud_keys.name'),
  },
  kmsKeyId: { kind: 'kms-key', table: 'kms_keys', column: 'id', named: ofTable('kms_keys', 'alias') },
  reconciliationId: { kind: 'reconciliation', table: 'reconciliations', column: 'id' },
  pruningId: { kind: 'audit-pruning', table: 'audit_prunings', column: 'id' },
  nodeId: {
    kind: 'node',
    table: 'nodes',
    column: 'id',
    named: sql`SELECT id, hostname AS name, '' AS vault_id FROM nodes`,
  },
  replacedId: {
    kind: 'replaced-token',
    table: 'replaced_tokens',
    column: 'id',
    named: sql`SELECT id, token AS name, '' AS vault_id FROM replaced_tokens`,
  },
  sessionId: { kind: 'session', table: 'sessions', column: 'id' },
  apiKeyId: { kind: 'api-key', table: 'api_keys', column: 'id' },
};

const maxIdLength = 128;

/** By the last parameter of the path, as it came; or the key set that the body names in a path that ends at the vault. */
function reachedFor(params: Readonly<Record<string, string>>) {
  const [name, id] = Object.entries(params).findLast(([one]) => Object.hasOwn(kinds, one)) ?? [];
  const of = kinds[name ?? ''];
  return id === undefined || of === undefined ? undefined : { of, id: id.slice(0, maxIdLength) };
}

/** Whether there is what was reached for, whoever's it is. */
export async function isThere(db: Reading, params: Readonly<Record<string, string>>): Promise<boolean> {
  const reached = reachedFor(params);
  if (reached === undefined) return false;
  const { table, column } = reached.of;
  const row = await db
    .selectFrom(table as 'key_sets')
    .select(column as 'id')
    .where(column as 'id', '=', reached.id)
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * The true target of a request that was refused. What is of the caller's own vault, or the appliance, has its name; what is
 * another's stays nameless, since the trail of the caller is read by theirs.
 */
export async function targetOf(
  db: Parameters<RawBuilder<unknown>['execute']>[0],
  { route, params, caller }: { route: Route; params: Readonly<Record<string, string>>; caller: Caller },
): Promise<Target> {
  const end = route.path.split('/').findLast((part) => !part.startsWith('{'));
  if (end === 'oidc-provider') return { kind: 'oidc-provider', id: params['vaultId'] ?? '', name: '' };
  if (route.path.startsWith('/mail')) return { kind: 'mail', id: 'mail', name: 'mail' };
  const token = params['token'];
  if (token !== undefined && params['replacedId'] === undefined)
    return { kind: 'token', id: token.slice(0, maxIdLength), name: token.slice(0, maxIdLength) };
  const reached = reachedFor(params);
  if (reached === undefined)
    return route.access.kind === 'own'
      ? { kind: 'user', id: caller.userId, name: caller.username }
      : { kind: 'operation', id: '', name: route.operation };
  const { of, id } = reached;
  if (of.named === undefined) return { kind: of.kind, id, name: '' };
  const { rows } = await sql<{ name: string }>`SELECT name FROM (${of.named}) AS found
    WHERE id = ${id} AND vault_id = ${caller.vaultId}`.execute(db);
  return { kind: of.kind, id, name: rows[0]?.name ?? '' };
}
