import Database from 'better-sqlite3';
import { versionObjectId } from '../src/token/own-keys.ts';

/** How much there is in a store. */
export interface LargeStore {
  vaults: number;
  keys: number;
  events: number;
  /** Key objects that are in the token: of the first of the CloudKeys. */
  objects?: number;
}

/** The vault that has half of all CloudKeys and half of all events; the others share the rest. */
export const firstVault = 'v0';

const day = 86_400_000;

/**
 * Fills a store by SQL, a million rows in a few seconds: each CloudKey with an old version and a current one, a tenth of them
 * due to expire, one credential for each vault. The keys of the first vault are in the key set that is called
 * `keySetName`, where it is there already.
 */
export function fillLarge(
  file: string,
  { vaults, keys, events }: LargeStore,
  now: Date,
  keySetName = '',
): void {
  const raw = new Database(file);
  try {
    raw.pragma('synchronous = OFF');
    raw.function('object_id', { deterministic: true }, (id: unknown, version: unknown) =>
      versionObjectId(String(id), Number(version)),
    );
    const found = raw
      .prepare<[string], string>('SELECT id FROM key_sets WHERE name = ?')
      .pluck()
      .get(keySetName);
    const first = found ?? 's0';
    const at = (days: number) => new Date(now.getTime() + days * day).toISOString();
    const numbers = (count: number) =>
      `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1})`;
    const id = `printf('%08x-0000-4000-8000-000000000000', i * 1000003 % 4294967296)`;
    const time = `strftime('%Y-%m-%dT%H:%M:%fZ', '${at(-400)}', '+' || (i * 31) || ' seconds')`;
    raw.exec(`BEGIN;
      ${numbers(vaults)} INSERT INTO vaults (id, name, type, description, administrator_name, administrator_email, tokens, created_at, updated_at)
        SELECT 'v' || i, 'v' || i, 'cloud-key-management', '', '', '', '["token"]', ${time}, ${time} FROM n;
      ${numbers(vaults)} INSERT INTO key_sets (id, vault_id, name, description, token, path_prefix, created_at, updated_at)
        SELECT 's' || i, 'v' || i, 's' || i, '', 'token', 'p' || i, ${time}, ${time} FROM n;
      ${numbers(keys)} INSERT INTO cloud_keys (id, key_set_id, name, description, external_key_id, state, region, administrators,
        users, can_encrypt, can_decrypt, current_version, rotation, rotated_at, expires_at, made_by, created_at, updated_at)
        SELECT ${id}, CASE WHEN i % 2 = 0 THEN '${first}' ELSE 's' || (i % ${vaults}) END, 'k' || i, '', 'e' || i,
          CASE WHEN i % 20 IN (3, 6) THEN 'DISABLED' ELSE 'AVAILABLE' END,
          CASE WHEN i % 3 = 0 THEN 'eu-central-1' ELSE 'us-east-1' END, '[]', '[]', 1, 1, 2, 'INHERIT', ${time},
          CASE WHEN i % 10 = 9 THEN '${at(-1)}' END, '', ${time}, ${time} FROM n;
      INSERT INTO key_versions (cloud_key_id, version, object_id, state, origin, made_by, created_at, proof)
        SELECT id, 1, object_id(id, 1), 'DESTROYED', 'holdfast', '', created_at, x'01' FROM cloud_keys WHERE external_key_id LIKE 'e%';
      INSERT INTO key_versions (cloud_key_id, version, object_id, state, origin, made_by, created_at, proof)
        SELECT id, 2, object_id(id, 2), 'ACTIVE', 'holdfast', '', created_at, x'01' FROM cloud_keys WHERE external_key_id LIKE 'e%';
      ${numbers(vaults)} INSERT INTO xks_credentials (access_key_id, key_set_id, sealed_secret, expires_at, created_at)
        SELECT 'c' || i, 's' || i, x'02', CASE WHEN i % 10 = 0 THEN '${at(-1)}' END, ${time} FROM n;
      INSERT INTO external_key_stores (id, vault_id, key_set_id, region, name, origin, connectivity, uri_endpoint, state, created_at, updated_at)
        SELECT 'x', vault_id, id, 'eu-central-1', 'x', 'MANUAL', 'PUBLIC_ENDPOINT', '', 'UNKNOWN', created_at, created_at FROM key_sets WHERE id = '${first}';
      INSERT INTO kms_keys (id, vault_id, cloud_key_id, external_key_store_id, region, origin, key_arn, alias, description, tags, policy, step, cloud_status, created_at, updated_at)
        SELECT 'p' || c.id, s.vault_id, c.id, 'x', 'eu-central-1', 'MANUAL', 'arn:' || c.id, 'alias/' || c.name, '', '{}', '{}', 'DONE', 'AVAILABLE', c.created_at, c.updated_at
        FROM cloud_keys AS c JOIN key_sets AS s ON s.id = c.key_set_id WHERE c.key_set_id = '${first}' AND c.external_key_id LIKE 'e%';
      ${numbers(events)} INSERT INTO audit_events (at, vault_id, actor_kind, actor_id, actor_name, address, request_id, action, outcome,
        target_kind, target_id, target_name, before, after)
        SELECT ${time}, CASE WHEN i % 2 = 0 THEN '${firstVault}' ELSE 'v' || (i % ${vaults}) END, 'user', 'user-' || (i % 7), 'user-' || (i % 7), '192.0.2.1', 'r' || i,
          CASE WHEN i % 4 = 0 THEN 'cloud-key.enable' ELSE 'cloud-key.disable' END, CASE WHEN i % 100 = 0 THEN 'refused' ELSE 'done' END,
          'cloud-key', 'k' || i, 'k' || i, '{"state":"AVAILABLE"}', '{"state":"DISABLED"}' FROM n;
      COMMIT;`);
    // Else the first to write would bring back to the file what was filled in at once, as no store that grew has it.
    raw.pragma('wal_checkpoint(TRUNCATE)');
  } finally {
    raw.close();
  }
}
