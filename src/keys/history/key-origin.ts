import type { VaultContext } from '../../vault/context.ts';
import { notByIndex } from '../../vault/page.ts';
import type { CloudKeyRecord } from '../key-records.ts';

/** Where a CloudKey is, who made it, and what holds it frozen. */
export interface KeyOrigin {
  /** Name of the token that holds its key objects. */
  token: string;
  /** Whoever created or adopted it; undefined where the audit event of that was pruned. */
  madeBy: { kind: string; name: string } | undefined;
  /** What holds it frozen, and since when, ISO 8601; each is ended by itself: `vault` and `appliance` by their administrators. */
  frozenBy: { by: 'key-set' | 'vault' | 'appliance'; since: string }[];
}

/** Of one CloudKey: for a list it would be a question for each. */
export async function readKeyOrigin(
  { store: { db } }: Pick<VaultContext, 'store'>,
  vaultId: string,
  key: Pick<CloudKeyRecord, 'id' | 'key_set_id'>,
): Promise<KeyOrigin> {
  const above = await db
    .selectFrom('key_sets')
    .innerJoin('vaults', 'vaults.id', 'key_sets.vault_id')
    .select(['token', 'key_sets.frozen_at as keySet', 'vaults.frozen_at as vault'])
    .select('vaults.appliance_frozen_at as appliance')
    .where('key_sets.id', '=', key.key_set_id)
    .executeTakeFirstOrThrow();
  const made = await db
    .selectFrom('audit_events')
    .select(['actor_kind', 'actor_name'])
    .where('vault_id', '=', vaultId)
    .where('target_id', '=', key.id)
    // It is the first event of the key, or gone.
    .where((eb) => eb(notByIndex(eb.ref('action')), 'in', ['cloud-key.create', 'cloud-key.adopt']))
    .where((eb) => eb(notByIndex(eb.ref('outcome')), '=', 'done'))
    .orderBy('at')
    .limit(1)
    .executeTakeFirst();
  const freezes = [
    ['key-set', above.keySet],
    ['vault', above.vault],
    ['appliance', above.appliance],
  ] as const;
  return {
    token: above.token,
    madeBy: made && { kind: made.actor_kind, name: made.actor_name },
    frozenBy: freezes.flatMap(([by, since]) => (since === null ? [] : [{ by, since }])),
  };
}
