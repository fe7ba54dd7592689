import { sql, type RawBuilder, type SelectQueryBuilder, type SqlBool } from 'kysely';
import type { Tables } from '../../store/schema.ts';
import type { VaultContext } from '../../vault/context.ts';
import type { KmsKeyScan, KmsKeysWithTrouble } from '../../cloud/kms-keys/scan.ts';
import { notByIndex } from '../../vault/page.ts';
import { seenBy } from '../../vault/sight.ts';
import { maxAffected, type Affected, type AffectedKind } from './affected.ts';
import { keySetsIn, type StatusScope } from './counts.ts';

/** What may be wrong with what vaults have. */
export const vaultTroubles = [
  'VAULT_FROZEN',
  'KEY_SET_FROZEN',
  'KEY_PROOF_FAILED',
  'ENCRYPTION_LIMIT_NEAR',
  'ROTATION_OVERDUE',
  'KEY_STORE_NOT_CONNECTED',
  'KMS_KEY_DRIFT',
  'KMS_KEY_FAILED',
  'CREDENTIAL_OLD',
  'CREDENTIAL_ENDS',
] as const;
export type VaultTrouble = (typeof vaultTroubles)[number];

/** Things of one vault with the same trouble. */
export interface TroubleFound {
  trouble: VaultTrouble;
  vaultId: string;
  vaultName: string;
  /** Of those that are not told one by one, how many there are: what is told is about all of them. */
  moreVaults?: number;
  count: number;
  /** Of the first few; none for users of the appliance, who see nothing inside a vault. */
  names: string[];
  /** What of them there is, by id, with whatever would make it another matter; undefined where they are too many to be judged. */
  things: string[] | undefined;
  /** The first hundred, and how many more there are; none for users of the appliance. */
  on: Affected[];
  onMore: number;
}

/** What has each trouble; the vault itself where it is not told what in it has. */
const kindOf: Readonly<Record<Exclude<VaultTrouble, 'VAULT_FROZEN'>, AffectedKind>> = {
  KEY_SET_FROZEN: 'key-set',
  KEY_PROOF_FAILED: 'cloud-key',
  ENCRYPTION_LIMIT_NEAR: 'cloud-key',
  ROTATION_OVERDUE: 'cloud-key',
  KEY_STORE_NOT_CONNECTED: 'external-key-store',
  KMS_KEY_DRIFT: 'kms-key',
  KMS_KEY_FAILED: 'kms-key',
  CREDENTIAL_OLD: 'xks-credential',
  CREDENTIAL_ENDS: 'xks-credential',
};

/** Of so many things with one trouble somebody can have seen each. */
export const maxThings = 100;
/** An XKS credential is to be rotated after so many days. */
export const credentialDays = 365;
/** What ends within so many days is told. */
export const warningDays = 14;
const day = 86_400_000;
const maxNames = 5;
/** So many vaults are told of each trouble. */
const maxVaults = 20;
/** A rotation that is due for so long is not merely waiting for its turn, milliseconds. */
const overdueAfter = day;

/** As the index has it: at this many a new version should have been made. */
const rotationDue = sql.raw<number>('2147483648');

interface Row {
  vault_id: string;
  vault_name: string;
  name: string;
  id: string;
  key_set_id: string;
  thing: string;
}

/** What needs attention in what the scope has, by indexes: what is well costs nothing. */
// oxlint-disable-next-line max-lines-per-function -- one query for each kind of trouble
export async function findTroubles(
  context: Pick<VaultContext, 'store' | 'now'>,
  scope: StatusScope,
): Promise<TroubleFound[]> {
  const { db } = context.store;
  const at = (offset: number) => new Date(context.now().getTime() + offset).toISOString();
  // What is rare is looked for first: SQLite does cross joins in the order in which they stand (sqlite.org/optoverview.html,
  // "Manual Control Of Query Plans Using CROSS JOIN").
  const shown = (name: string, id: string, ...more: string[]) => [
    sql<string>`vaults.id`.as('vault_id'),
    sql<string>`vaults.name`.as('vault_name'),
    sql<string>`${sql.ref(name)}`.as('name'),
    sql<string>`${sql.ref(id)}`.as('id'),
    sql<string>`key_sets.id`.as('key_set_id'),
    sql<string>`${sql.join(
      [id, ...more].map((part) => sql.ref(part)),
      sql` || ' ' || `,
    )}`.as('thing'),
  ];
  const keySets = () => db.selectFrom('key_sets').crossJoin('vaults').where(within(scope));
  const keys = () =>
    db
      .selectFrom('cloud_keys')
      .crossJoin('key_sets')
      .crossJoin('vaults')
      .whereRef('key_sets.id', '=', 'cloud_keys.key_set_id')
      .where(within(scope));
  const versions = () =>
    db
      .selectFrom('key_versions')
      .crossJoin('cloud_keys')
      .crossJoin('key_sets')
      .crossJoin('vaults')
      .whereRef('cloud_keys.id', '=', 'key_versions.cloud_key_id')
      .whereRef('key_sets.id', '=', 'cloud_keys.key_set_id')
      .where(within(scope));
  const liveCredentials = () =>
    db
      .selectFrom('xks_credentials')
      .crossJoin('key_sets')
      .crossJoin('vaults')
      .whereRef('key_sets.id', '=', 'xks_credentials.key_set_id')
      .where(within(scope))
      .where('xks_credentials.withdrawn_at', 'is', null);
  const look = async <TB extends keyof Tables>(
    trouble: keyof typeof kindOf,
    query: SelectQueryBuilder<Tables, TB, Row>,
  ) => inVaults(context, scope, trouble, query);
  return [
    ...(await frozenVaults(context, scope)),
    ...(await look(
      'KEY_SET_FROZEN',
      keySets()
        .where('key_sets.frozen_at', 'is not', null)
        .select(shown('key_sets.name', 'key_sets.id', 'key_sets.frozen_at')),
    )),
    ...(await look(
      'KEY_PROOF_FAILED',
      versions()
        .where('key_versions.unfit_since', 'is not', null)
        // Nearly all are: that is no place to begin.
        .where((eb) => eb(notByIndex(eb.ref('key_versions.state')), '=', 'ACTIVE'))
        .select(shown('cloud_keys.name', 'cloud_keys.id')),
    )),
    ...(await look(
      'ENCRYPTION_LIMIT_NEAR',
      versions()
        .where('key_versions.encryptions_leased', '>=', rotationDue)
        .whereRef('key_versions.version', '=', 'cloud_keys.current_version')
        .where('cloud_keys.state', '=', 'AVAILABLE')
        .select(shown('cloud_keys.name', 'cloud_keys.id')),
    )),
    ...(await look(
      'ROTATION_OVERDUE',
      keys()
        .where('cloud_keys.state', '=', 'AVAILABLE')
        .where('cloud_keys.next_rotation_at', '<', at(-overdueAfter))
        .where('key_sets.frozen_at', 'is', null)
        .where('vaults.frozen_at', 'is', null)
        .where('vaults.appliance_frozen_at', 'is', null)
        .select(shown('cloud_keys.name', 'cloud_keys.id', 'cloud_keys.next_rotation_at')),
    )),
    ...(await look(
      'KEY_STORE_NOT_CONNECTED',
      db
        .selectFrom('external_key_stores')
        .crossJoin('key_sets')
        .crossJoin('vaults')
        .whereRef('key_sets.id', '=', 'external_key_stores.key_set_id')
        .where(within(scope))
        .where('external_key_stores.state', 'in', ['DISCONNECTED', 'FAILED', 'NOT_FOUND'])
        .select(shown('external_key_stores.name', 'external_key_stores.id', 'external_key_stores.state')),
    )),
    ...(await look(
      'CREDENTIAL_OLD',
      liveCredentials()
        .where('xks_credentials.created_at', '<', at(-credentialDays * day))
        .select(shown('xks_credentials.access_key_id', 'xks_credentials.access_key_id')),
    )),
    ...(await look(
      'CREDENTIAL_ENDS',
      liveCredentials()
        .where('xks_credentials.expires_at', '<', at(warningDays * day))
        .where('xks_credentials.expires_at', '>', at(0))
        .where('xks_credentials.successor', 'is', null)
        .select(
          shown(
            'xks_credentials.access_key_id',
            'xks_credentials.access_key_id',
            'xks_credentials.expires_at',
          ),
        ),
    )),
  ];
}

/** Key sets of the scope and their vaults, in a query that has both. */
function within(scope: StatusScope): RawBuilder<SqlBool> {
  const there = sql<SqlBool>`vaults.id = key_sets.vault_id AND vaults.deleted_at IS NULL`;
  if (scope === 'appliance') return sql<SqlBool>`(${there})`;
  const seen = seenBy(sql<string | null>`key_sets.admin_group_id`, scope.sight);
  return sql<SqlBool>`(${there} AND key_sets.vault_id = ${scope.vaultId} AND ${seen})`;
}

async function frozenVaults(
  { store: { db } }: Pick<VaultContext, 'store'>,
  scope: StatusScope,
): Promise<TroubleFound[]> {
  const rows = await db
    .selectFrom('vaults')
    .select(['id', 'name', vaultsInAll])
    .where('deleted_at', 'is', null)
    .where((eb) => eb.or([eb('frozen_at', 'is not', null), eb('appliance_frozen_at', 'is not', null)]))
    .$if(scope !== 'appliance', (all) => all.where('id', '=', scope === 'appliance' ? '' : scope.vaultId))
    .orderBy('name')
    .limit(maxVaults)
    .execute();
  const found = rows.map(({ id, name }) => ({
    trouble: 'VAULT_FROZEN' as const,
    vaultId: id,
    vaultName: name,
    count: 1,
    names: [],
    things: undefined,
    ...onVault,
  }));
  return [...found, ...moreVaults('VAULT_FROZEN', rows)];
}

/** On the vault itself. */
const onVault = { on: [], onMore: 0 };

/** Before the limit: those that are not told too. */
const vaultsInAll = sql<number>`count(*) OVER ()`.as('vaults_in_all');

/** Nobody has seen what is in them, so nobody can have judged it. */
function moreVaults(trouble: VaultTrouble, told: readonly { vaults_in_all: number }[]): TroubleFound[] {
  const more = (told[0]?.vaults_in_all ?? 0) - told.length;
  if (more <= 0) return [];
  return [
    {
      ...{ trouble, vaultId: '', vaultName: '', moreVaults: more, count: more },
      ...{ names: [], things: undefined, ...onVault },
    },
  ];
}

async function inVaults<TB extends keyof Tables>(
  { store: { db } }: Pick<VaultContext, 'store'>,
  scope: StatusScope,
  trouble: keyof typeof kindOf,
  query: SelectQueryBuilder<Tables, TB, Row>,
): Promise<TroubleFound[]> {
  const vaults = await db
    .selectFrom(query.as('found'))
    .select(['vault_id', 'vault_name', (eb) => eb.fn.countAll<number>().as('n'), vaultsInAll])
    .groupBy(['vault_id', 'vault_name'])
    .orderBy('vault_name')
    .limit(maxVaults)
    .execute();
  const few = vaults.filter(({ n }) => n <= maxThings).map(({ vault_id }) => vault_id);
  // Of what is inside a vault the appliance's users see no name. Of a vault of one's own there is one.
  const named = scope === 'appliance' || vaults.length === 0 ? [] : await firstOf(db, query);
  const rows = scope !== 'appliance' ? named : few.length === 0 ? [] : await thingsIn(db, query, few);
  const byVault = Map.groupBy(rows, ({ vault_id }) => vault_id);
  const { on, onMore } =
    scope === 'appliance' ? onVault : affectedOf(kindOf[trouble], named, vaults[0]?.n ?? 0);
  const found = vaults.map(({ vault_id, vault_name, n }) => ({
    trouble,
    vaultId: vault_id,
    vaultName: vault_name,
    count: n,
    names: named.slice(0, maxNames).map(({ name }) => name),
    things: n <= maxThings ? (byVault.get(vault_id) ?? []).map(({ thing }) => thing) : undefined,
    on,
    onMore,
  }));
  return [...found, ...moreVaults(trouble, vaults)];
}

/** Several versions of one CloudKey are one thing that it is on. */
function affectedOf(
  kind: AffectedKind,
  rows: readonly Row[],
  count: number,
): Pick<TroubleFound, 'on' | 'onMore'> {
  const each = new Map(rows.map((row) => [row.id, row]));
  const told = ({ id, name, key_set_id: keySetId }: Row): Affected =>
    kind === 'key-set' ? { kind, id, name } : { kind, id, name, keySetId };
  const on = [...each.values()].slice(0, maxAffected).map(told);
  const beyond = Math.max(0, count - rows.length);
  return { on, onMore: each.size - on.length + beyond };
}

/** Of one vault. There may be more of them by now than there were: those are not left out. */
async function firstOf<TB extends keyof Tables>(
  db: VaultContext['store']['db'],
  query: SelectQueryBuilder<Tables, TB, Row>,
): Promise<Row[]> {
  const found = db.selectFrom(query.as('found')).selectAll() as SelectQueryBuilder<Tables, keyof Tables, Row>;
  return found
    .orderBy('name')
    .orderBy('id')
    .limit(2 * maxThings)
    .execute();
}

/** The same of several vaults. */
async function thingsIn<TB extends keyof Tables>(
  db: VaultContext['store']['db'],
  query: SelectQueryBuilder<Tables, TB, Row>,
  vaultIds: readonly string[],
): Promise<Pick<Row, 'vault_id' | 'thing'>[]> {
  return db
    .selectFrom(query.as('found'))
    .select(['vault_id', 'thing'])
    .where('vault_id', 'in', vaultIds)
    .limit(2 * maxThings * vaultIds.length)
    .execute();
}

/** The same of KMS keys in AWS, and when they were looked through. */
export async function findKmsKeyTroubles(
  { store: { db } }: Pick<VaultContext, 'store'>,
  scope: StatusScope,
  scan: KmsKeyScan,
  timeout: number,
): Promise<{ at: string | null; found: TroubleFound[] }> {
  const { at, troubles } = await scan.look(timeout);
  if (troubles.length === 0) return { at, found: [] };
  const keySets = await keySetsIn(db, scope)
    .select(['key_sets.id', 'vaults.id as vault_id', 'vaults.name as vault_name'])
    .execute();
  const vaultOf = new Map(keySets.map((keySet) => [keySet.id, keySet]));
  const found = new Map<string, TroubleFound>();
  for (const { keySetId, ...of } of troubles) {
    const keySet = vaultOf.get(keySetId);
    if (keySet === undefined) continue;
    const add = (trouble: 'KMS_KEY_DRIFT' | 'KMS_KEY_FAILED', { count, first }: KmsKeysWithTrouble): void => {
      if (count === 0) return;
      const key = `${trouble} ${keySet.vault_id}`;
      const known = found.get(key) ?? {
        ...{ trouble, vaultId: keySet.vault_id, vaultName: keySet.vault_name },
        ...{ count: 0, names: [], things: [], ...{ on: [], onMore: 0 } },
      };
      found.set(key, known);
      known.count += count;
      known.things =
        known.count > maxThings ? undefined : known.things?.concat(first.map(({ thing }) => thing));
      if (scope === 'appliance') return;
      const kind = kindOf[trouble];
      const on = first.map(({ id, name, cloudKeyId }) => ({ kind, id, name, keySetId, cloudKeyId }));
      known.on = [...known.on, ...on].slice(0, maxAffected);
      known.onMore = known.count - known.on.length;
      known.names = known.on.slice(0, maxNames).map(({ name }) => name);
    };
    add('KMS_KEY_DRIFT', of.drifted);
    add('KMS_KEY_FAILED', of.failed);
  }
  return { at, found: [...found.values()] };
}
