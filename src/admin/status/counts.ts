import type { CloudKeyState, ExternalKeyStoreTable } from '../../store/schema.ts';
import type { Reading } from '../../vault/edits.ts';
import type { VaultContext, Sight } from '../../vault/context.ts';
import { seenBy } from '../../vault/sight.ts';

/** All of the appliance, or what somebody sees of a vault. */
export type StatusScope = 'appliance' | { vaultId: string; sight: Sight };

export interface StatusCounts {
  /** Of the appliance alone. */
  vaults: { total: number; frozen: number } | undefined;
  /** Frozen by themselves. */
  keySets: { total: number; frozen: number };
  cloudKeys: Partial<Record<Exclude<CloudKeyState, 'DELETED'>, number>>;
  externalKeyStores: Partial<Record<ExternalKeyStoreTable['state'], number>>;
  credentials: { live: number };
  auditEvents: number;
}

/** By indexes alone: a few milliseconds with a hundred thousand keys. */
export async function countStatus(
  { store: { db } }: Pick<VaultContext, 'store'>,
  scope: StatusScope,
): Promise<StatusCounts> {
  const keySets = keySetsIn(db, scope);
  const sets = await keySets
    .select((eb) => [
      eb.fn.countAll<number>().as('total'),
      eb.fn.count<number>('key_sets.frozen_at').as('frozen'),
    ])
    .executeTakeFirstOrThrow();
  const states = await db
    .selectFrom('cloud_keys')
    .select(['state', (eb) => eb.fn.countAll<number>().as('n')])
    .where('state', '<>', 'DELETED')
    .$if(scope !== 'appliance', (all) =>
      all
        .where('listed_in', '=', scope === 'appliance' ? '' : scope.vaultId)
        .where('key_set_id', 'in', keySets.select('key_sets.id')),
    )
    .groupBy('state')
    .execute();
  const stores = await db
    .selectFrom('external_key_stores')
    .select(['state', (eb) => eb.fn.countAll<number>().as('n')])
    .$if(scope !== 'appliance', (all) => all.where('key_set_id', 'in', keySets.select('key_sets.id')))
    .groupBy('state')
    .execute();
  const { live } = await db
    .selectFrom('xks_credentials')
    .select((eb) => eb.fn.countAll<number>().as('live'))
    .where('withdrawn_at', 'is', null)
    .$if(scope !== 'appliance', (all) => all.where('key_set_id', 'in', keySets.select('key_sets.id')))
    .executeTakeFirstOrThrow();
  return {
    vaults: scope === 'appliance' ? await countVaults(db) : undefined,
    keySets: sets,
    cloudKeys: Object.fromEntries(states.map(({ state, n }) => [state, n])),
    externalKeyStores: Object.fromEntries(stores.map(({ state, n }) => [state, n])),
    credentials: { live },
    auditEvents: await countEvents(db, scope),
  };
}

/** Those that are not of a deleted vault. */
export function keySetsIn(db: Reading, scope: StatusScope) {
  return db
    .selectFrom('key_sets')
    .innerJoin('vaults', 'vaults.id', 'key_sets.vault_id')
    .where('vaults.deleted_at', 'is', null)
    .$if(scope !== 'appliance', (all) =>
      all
        .where('key_sets.vault_id', '=', scope === 'appliance' ? '' : scope.vaultId)
        .where((eb) =>
          seenBy(eb.ref('key_sets.admin_group_id'), scope === 'appliance' ? 'all' : scope.sight),
        ),
    );
}

async function countVaults(db: VaultContext['store']['db']): Promise<{ total: number; frozen: number }> {
  return db
    .selectFrom('vaults')
    .select((eb) => [
      eb.fn.countAll<number>().as('total'),
      eb.fn.count<number>(eb.fn.coalesce('frozen_at', 'appliance_frozen_at')).as('frozen'),
    ])
    .where('deleted_at', 'is', null)
    .executeTakeFirstOrThrow();
}

/** Of the appliance those of all vaults; the database keeps count of them. */
async function countEvents(db: VaultContext['store']['db'], scope: StatusScope): Promise<number> {
  if (scope !== 'appliance') return 0;
  const { events } = await db.selectFrom('audit_count').select('events').executeTakeFirstOrThrow();
  return events;
}
