import { randomBytes, randomUUID } from 'node:crypto';
import type { SqliteStore } from '../src/store/sqlite/sqlite.ts';
import { versionObjectId } from '../src/token/own-keys.ts';
import { insertVault } from '../testing/vault.ts';
import { byHand } from '../testing/by-hand.ts';

export interface StoreSize {
  vaults: number;
  /** Of each vault. */
  keySets: number;
  keysOfKeySet: number;
  /** Of each vault. */
  auditEvents: number;
}

/**
 * Fills a store by rows, as fast as SQLite takes them: vaults, key sets and CloudKeys without key objects in any token,
 * a use of each, audit events. The ids of the vaults.
 */
export async function fillStore(store: SqliteStore, size: StoreSize): Promise<string[]> {
  const vaults: string[] = [];
  for (let v = 0; v < size.vaults; v++) {
    const { id } = await insertVault(store, `vault-${v}-${randomUUID().slice(0, 8)}`);
    vaults.push(id);
    await store.change(byHand, async (trx) => {
      for (let s = 0; s < size.keySets; s++) {
        const keySetId = randomUUID();
        await trx
          .insertInto('key_sets')
          .values(keySetRow(keySetId, id, v, s))
          .execute();
        for (let k = 0; k < size.keysOfKeySet; k++) {
          const key = keyRow(keySetId, s * size.keysOfKeySet + k);
          const created_at = key.created_at;
          await trx.insertInto('cloud_keys').values(key).execute();
          await trx
            .insertInto('key_versions')
            .values({
              cloud_key_id: key.id,
              version: 1,
              object_id: versionObjectId(key.id, 1),
              state: 'ACTIVE',
              origin: 'holdfast',
              made_by: '',
              created_at,
              destroyed_at: null,
            })
            .execute();
          await trx
            .insertInto('uses')
            .values({ kind: 'encrypt', id: key.id, count: 7, last_at: created_at, last_address: '192.0.2.1' })
            .execute();
        }
      }
      for (let e = 0; e < size.auditEvents; e++)
        await trx.insertInto('audit_events').values(eventRow(id, e)).execute();
    });
  }
  return vaults;
}

function keySetRow(id: string, vaultId: string, vault: number, number: number) {
  const now = timeOf(number);
  return {
    id,
    vault_id: vaultId,
    admin_group_id: null,
    csp_account_id: null,
    name: `key-set-${number}`,
    description: '',
    token: 'token',
    path_prefix: `vault-${vault}/key-set-${number}`,
    rotation_days: null,
    frozen_at: null,
    quota_rate: null,
    quota_burst: null,
    created_at: now,
    updated_at: now,
  };
}

function keyRow(keySetId: string, number: number) {
  const now = timeOf(number);
  return {
    id: randomUUID(),
    key_set_id: keySetId,
    name: `${number % 2 === 0 ? 'orders' : 'invoices'}-${number}`,
    description: '',
    external_key_id: randomUUID(),
    state: number % 3 === 0 ? ('DISABLED' as const) : ('AVAILABLE' as const),
    region: number % 2 === 0 ? 'eu-central-1' : 'us-east-1',
    administrators: '[]',
    users: '[]',
    can_encrypt: 1,
    can_decrypt: 1,
    current_version: 1,
    rotation: 'INHERIT' as const,
    rotation_days: null,
    rotated_at: now,
    next_rotation_at: null,
    expires_at: null,
    deletion_at: null,
    deleted_at: null,
    quota_rate: null,
    quota_burst: null,
    made_by: '',
    created_at: now,
    // In another order than the others.
    updated_at: timeOf((number * 7919) % 10_007),
  };
}

function eventRow(vaultId: string, number: number) {
  return {
    at: timeOf(number),
    vault_id: vaultId,
    actor_kind: 'user' as const,
    actor_id: randomUUID(),
    actor_name: `user-${number % 10}`,
    address: '192.0.2.1',
    request_id: randomUUID(),
    action: number % 2 === 0 ? 'cloud-key.disable' : 'cloud-key.enable',
    outcome: 'done' as const,
    target_kind: 'cloud-key',
    target_id: randomBytes(8).toString('hex'),
    target_name: `orders-${number}`,
    before: '{"state":"AVAILABLE"}',
    after: '{"state":"DISABLED"}',
  };
}

function timeOf(number: number): string {
  return new Date(Date.UTC(2026, 0, 1) + number * 60_000).toISOString();
}
