import Database from 'better-sqlite3';
import type { BackupManifest } from './format.ts';
import { setLastEvent } from './reader.ts';
import { carryOver } from './carried-over.ts';
import { deletionHold } from './deletion-hold.ts';
import { knownMigrations } from '../store.ts';
import { withhold, type Withheld } from './withheld.ts';

/** What was made since the backup, and is not in the restored store. */
export interface Lost {
  kind: 'cloud-key' | 'key-set' | 'user' | 'vault';
  vaultId: string;
  id: string;
  name: string;
}

/**
 * What is known of the time since the backup was made. `known`: the store that is replaced is whole and goes on where the
 * backup ends, so what was taken away since is taken away in the restored one too. `unknown`: there is no such store.
 * `ignored`: somebody said that nothing is to be taken away.
 */
export type Since = 'known' | 'unknown' | 'ignored';

export interface Adjusted {
  since: Since;
  withheld: Withheld[];
  lost: Lost[];
  /** Of the replaced store, where it is known. */
  lastAuditEvent: number | undefined;
  /** The number of the first event after the restore. */
  resumesAt: number;
}

export interface Adjustment {
  manifest: BackupManifest;
  /** The store that is replaced, in which nobody writes; undefined where there is none, or none that can be read. */
  replaced: string | undefined;
  /** Take nothing away. */
  asBackedUp: boolean;
  now: Date;
  /** CKA_LABEL of the key by which the HSMs of a token are known. */
  sealingKey: string;
  /** Encryptions that one key version may have made in a second at the most. */
  encryptionsPerSecond: number;
  /** A version that has encrypted so often is replaced at its next use. */
  rotateAt: number;
  /** One that has encrypted so often encrypts no more. */
  refuseAt: number;
}

/** Numbers of audit events that nobody gives again, where it is not known how many were given since the backup. */
const eventsAhead = 1_000_000;

/**
 * Makes a store that was built of a backup fit to serve again: what was forbidden after the backup was made stays forbidden, what
 * was encrypted is counted, no audit event gets a number that another had. The file is closed and without a log beside it.
 */
export function adjustRestored(file: string, adjustment: Adjustment): Adjusted {
  const database = new Database(file);
  try {
    database.pragma('temp_store = MEMORY');
    database.pragma('trusted_schema = OFF');
    const { replaced, asBackedUp } = adjustment;
    if (replaced !== undefined) database.prepare('ATTACH ? AS before').run(replaced);
    const isKnown = replaced !== undefined && goesOn(database, adjustment.manifest);
    database.exec('BEGIN');
    const adjusted = adjust(
      database,
      adjustment,
      asBackedUp ? 'ignored' : isKnown ? 'known' : 'unknown',
      isKnown,
    );
    database.exec('COMMIT');
    return adjusted;
  } finally {
    database.close();
  }
}

function adjust(
  database: Database.Database,
  adjustment: Adjustment,
  since: Since,
  isKnown: boolean,
): Adjusted {
  const { manifest, now } = adjustment;
  const at = now.toISOString();
  const lost = isKnown ? lostSince(database) : [];
  const taken =
    since === 'known' ? carryOver(database, at) : since === 'unknown' ? lockDown(database, at) : [];
  // Whatever is believed of the backup: nothing is destroyed because it was put back.
  holdDeletions(database, now);
  if (since === 'known') putOff(database);
  const kept = keepFromDestruction(database, since === 'known', at);
  // Not by push(...), which cannot take as many arguments as there may be keys.
  const withheld = [...taken, ...kept];
  if (isKnown) keepHsms(database, adjustment);
  if (isKnown)
    database.exec(`UPDATE key_versions SET encryptions_leased = b.encryptions_leased FROM before.key_versions b
      WHERE b.cloud_key_id = key_versions.cloud_key_id AND b.version = key_versions.version
        AND b.encryptions_leased > key_versions.encryptions_leased`);
  else countAhead(database, adjustment);
  const lastAuditEvent = isKnown
    ? database
        .prepare<[], number>("SELECT seq FROM before.sqlite_sequence WHERE name = 'audit_events'")
        .pluck()
        .get()
    : undefined;
  const last = lastAuditEvent ?? manifest.lastAuditEvent + eventsAhead;
  setLastEvent(database, last);
  return { since, withheld, lost, lastAuditEvent, resumesAt: last + 1 };
}

/**
 * Whether the replaced store has the backup's past and all that came after it: the same schema, the last audit event of the backup, and
 * it was not moved, since what was taken away after that stands in another store.
 */
function goesOn(database: Database.Database, { lastAuditEvent }: BackupManifest): boolean {
  const names = database
    .prepare<[], string>('SELECT name FROM before.kysely_migration ORDER BY name')
    .pluck()
    .all();
  if (names.join() !== knownMigrations.toSorted().join()) return false;
  if (database.prepare('SELECT 1 FROM before.store_moves').get() !== undefined) return false;
  const eventOf = (schema: string) =>
    JSON.stringify(
      database.prepare(`SELECT * FROM ${schema}.audit_events WHERE sequence = ?`).get(lastAuditEvent) ?? null,
    );
  const event = eventOf('main');
  return event !== 'null' && event === eventOf('before');
}

/** Nobody knows what was taken away: nothing is served, and no program gets in, until somebody has looked. */
function lockDown(database: Database.Database, now: string): Withheld[] {
  return [
    ...withhold(database, now, {
      kind: 'key-set',
      what: 'is frozen until somebody thaws it',
      set: 'frozen_at = @now',
      where: 'frozen_at IS NULL',
    }),
    ...withhold(database, now, {
      kind: 'api-key',
      what: 'is revoked',
      set: 'revoked_at = @now',
      where: 'revoked_at IS NULL AND expires_at > @now',
    }),
  ];
}

/** No backup has the one that may have been under way. */
function holdDeletions(database: Database.Database, now: Date): void {
  const until = new Date(now.getTime() + deletionHold.milliseconds).toISOString();
  database
    .prepare(
      "INSERT OR REPLACE INTO main.leases (name, holder, until) VALUES (?, 'a backup was put back', ?)",
    )
    .run(deletionHold.lease, until);
}

/** A deletion that was cancelled and scheduled again since is not done before the day that was said last. */
function putOff(database: Database.Database): void {
  database.exec(`
    UPDATE main.cloud_keys SET deletion_at = b.deletion_at FROM before.cloud_keys b
      WHERE b.id = main.cloud_keys.id AND main.cloud_keys.state = 'PENDING_DELETION' AND b.state = 'PENDING_DELETION'
        AND b.deletion_at > main.cloud_keys.deletion_at;
    UPDATE main.kms_keys SET wanted_days = b.wanted_days FROM before.kms_keys b
      WHERE b.id = main.kms_keys.id AND main.kms_keys.wanted = 'SCHEDULE_DELETION' AND b.wanted = 'SCHEDULE_DELETION'
        AND b.wanted_days > main.kms_keys.wanted_days;
  `);
}

/** A deletion that waited when the backup was made may have been cancelled since: it waits for somebody to ask again. */
function keepFromDestruction(database: Database.Database, isKnown: boolean, now: string): Withheld[] {
  const stillWaits = (table: string, so: string) =>
    isKnown ? `AND NOT EXISTS (SELECT 1 FROM before.${table} b WHERE b.id = main.${table}.id AND ${so})` : '';
  return [
    ...withhold(database, now, {
      kind: 'cloud-key',
      what: 'is DISABLED, and its deletion is no longer scheduled',
      set: "state = 'DISABLED', deletion_at = NULL",
      where: `state = 'PENDING_DELETION' ${stillWaits('cloud_keys', "b.state IN ('PENDING_DELETION', 'DELETED')")}`,
    }),
    ...withhold(database, now, {
      kind: 'kms-key',
      what: 'is no longer scheduled for deletion in AWS',
      set: 'wanted = NULL, wanted_days = NULL, leaving = NULL',
      where: `wanted = 'SCHEDULE_DELETION' ${stillWaits('kms_keys', "b.wanted = 'SCHEDULE_DELETION'")}`,
    }),
  ];
}

/**
 * An HSM that was seen with a token's keys since may have all of them, also where the configuration does not have it any more: without it on
 * record a version would be DESTROYED that is there still. One that has another sealing key is another token's, which took the name.
 */
function keepHsms(database: Database.Database, { sealingKey }: Pick<Adjustment, 'sealingKey'>): void {
  database
    .prepare(
      `INSERT OR IGNORE INTO main.own_key_proofs (token, serial, label, proof, made_at)
        SELECT b.token, b.serial, b.label, b.proof, b.made_at FROM before.own_key_proofs b
          WHERE EXISTS (SELECT 1 FROM before.own_key_proofs s JOIN main.own_key_proofs m
            ON m.token = s.token AND m.label = s.label AND m.proof = s.proof
            WHERE s.token = b.token AND s.serial = b.serial AND s.label = ?)`,
    )
    .run(sealingKey);
  // One whose token was replaced since is named by that alone: put back, the token may have its keys in each of them.
  database
    .prepare(
      `INSERT OR IGNORE INTO main.own_key_proofs (token, serial, label, proof, made_at)
        SELECT m.token, s.value, m.label, m.proof, m.made_at FROM before.replaced_tokens r, json_each(r.serials) s
          JOIN main.own_key_proofs m ON m.token = r.token AND m.label = ?
          WHERE r.kind = 'token' AND r.erased_at IS NULL AND NOT EXISTS (SELECT 1 FROM main.replaced_tokens a WHERE a.id = r.id)
            AND m.serial IN (SELECT value FROM json_each(r.serials))`,
    )
    .run(sealingKey);
}

/**
 * The IVs of AES-GCM are made by the token, at random or by a counter of its own, and never of our count: an older count
 * repeats none. But it is what keeps a version below its limit, so it is raised by what may have been encrypted since: to
 * where a new version is made at the next use, and one that has got there already up to the limit.
 */
function countAhead(
  database: Database.Database,
  { manifest, now, encryptionsPerSecond, rotateAt, refuseAt }: Adjustment,
): void {
  const seconds = Math.max(0, Math.ceil((now.getTime() - Date.parse(manifest.takenAt)) / 1000));
  const max = Math.min(refuseAt, seconds * encryptionsPerSecond);
  database
    .prepare(
      `UPDATE key_versions SET encryptions_leased = max(encryptions_leased,
          min(encryptions_leased + @max, CASE WHEN encryptions_leased < @rotateAt THEN @rotateAt ELSE @refuseAt END))
        WHERE state IN ('ACTIVE', 'PENDING')`,
    )
    .run({ max, rotateAt, refuseAt });
}

function lostSince(database: Database.Database): Lost[] {
  const missing = (kind: Lost['kind'], table: string, vaultId: string, name: string, where: string): Lost[] =>
    database
      .prepare<[], Omit<Lost, 'kind'>>(
        `SELECT ${vaultId} AS vaultId, b.id, b.${name} AS name FROM before.${table} b
          WHERE ${where} AND NOT EXISTS (SELECT 1 FROM main.${table} a WHERE a.id = b.id) ORDER BY name`,
      )
      .all()
      .map(({ vaultId: vault, id, name: called }) => ({ kind, vaultId: vault, id, name: called }));
  return [
    ...missing('vault', 'vaults', 'b.id', 'name', 'b.deleted_at IS NULL'),
    ...missing('key-set', 'key_sets', 'b.vault_id', 'name', '1'),
    ...missing(
      'cloud-key',
      'cloud_keys',
      '(SELECT vault_id FROM before.key_sets s WHERE s.id = b.key_set_id)',
      'name',
      "b.state <> 'DELETED'",
    ),
    ...missing('user', 'users', 'b.vault_id', 'username', '1'),
  ];
}
