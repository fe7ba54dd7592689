import { z } from 'zod';

/*
 * A backup is text, a line of JSON each: a header, the tables with their rows, an end with the counts and the SHA-256 of
 * every byte before it. Rows and not pages, so that nothing but rows comes back (no trigger, no view, nothing that was
 * deleted), a store of another release or another database can be made of it, and whoever has none of this can read it.
 *
 *   {"format":"holdfast-backup","version":1,"migrations":[…],…}
 *   {"table":"vaults","columns":["id","name",…]}
 *   ["0b9d…","emea",…]                                        a row; bytes are {"b":"<Base64>"}
 *   {"end":true,"rows":{"vaults":1,…},"sha256":"…"}
 */

/** What this version writes, and the newest that it reads. */
export const backupVersion = 1;

/**
 * What no backup holds: sign-ins that are open or under way, whose tokens would be good again; work that a process has
 * leased; what workers were told of changes, which a restored store tells anew; how many requests came in the last weeks, which of
 * them failed, and how the nodes were; that the store was moved, which its copy was not.
 */
export const leftOut: ReadonlySet<string> = new Set([
  'sessions',
  'oidc_sign_ins',
  'leases',
  'served_changes',
  'traffic',
  'vitals',
  'failed_requests',
  'store_moves',
  'kysely_migration',
  'kysely_migration_lock',
]);

const token = z.object({
  /** In the configuration. */
  name: z.string(),
  label: z.string().nullable(),
  /** Of the tokens that have had this name, by the proofs of our own keys in them. */
  serials: z.array(z.string()),
  /** CKA_LABEL of the key that seals the secrets in it. */
  sealingKey: z.string(),
});

const header = z.object({
  format: z.literal('holdfast-backup'),
  version: z.int().min(1),
  /** The release with its commit. */
  holdfast: z.string(),
  /** Of the schema, in order. */
  migrations: z.array(z.string()).min(1),
  /** ISO 8601; everything that was committed before is in it. */
  takenAt: z.iso.datetime(),
  node: z.object({ id: z.string(), hostname: z.string() }),
  /** Of the store. */
  revision: z.int(),
  /** Sequence number of the last audit event in it; 0 for none. */
  lastAuditEvent: z.int(),
  tokens: z.array(token),
});

export type BackupHeader = z.infer<typeof header>;

const end = z.object({
  end: z.literal(true),
  /** By table. */
  rows: z.record(z.string(), z.int().min(0)),
  /** Of every byte before this line, in hexadecimal. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

export type BackupEnd = z.infer<typeof end>;

/** Header and end: all that a backup says of itself. */
export type BackupManifest = BackupHeader & Omit<BackupEnd, 'end'>;

export type TableHead = z.infer<typeof tableHead>;
const tableHead = z.strictObject({
  table: z.string().regex(/^[a-z][a-z0-9_]*$/),
  columns: z.array(z.string().regex(/^[a-z][a-z0-9_]*$/)).min(1),
});

export type Value = string | number | null | Buffer;

/** A file is no backup, not a whole one, or not one for this place; both texts are for the operator. */
export class BackupError extends Error {
  readonly remediation: string;

  constructor(problem: string, remediation: string, cause?: unknown) {
    super(problem, cause === undefined ? undefined : { cause });
    this.name = 'BackupError';
    this.remediation = remediation;
  }
}

/** The bytes of a line. */
export function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

/** A row as it is written. */
export function rowLine(row: readonly unknown[]): string {
  return line(row.map((value) => (Buffer.isBuffer(value) ? { b: value.toString('base64') } : value)));
}

const bytesOnly = z.strictObject({ b: z.base64() });

/** Reads a row. Throws SyntaxError, RangeError. */
export function readRow(text: string): Value[] {
  const values = JSON.parse(text) as unknown;
  if (!Array.isArray(values)) throw new RangeError('no row');
  return values.map((value: unknown) => {
    if (value === null || typeof value === 'string' || typeof value === 'number') return value;
    const bytes = bytesOnly.safeParse(value);
    if (!bytes.success) throw new RangeError('no value of a row');
    return Buffer.from(bytes.data.b, 'base64');
  });
}

/** What stands in a line that is no row. */
export type Mark = { kind: 'table'; head: TableHead } | { kind: 'end'; end: BackupEnd };

/** Throws SyntaxError, RangeError. */
export function readMark(text: string): Mark {
  const value = JSON.parse(text) as unknown;
  const head = tableHead.safeParse(value);
  if (head.success) return { kind: 'table', head: head.data };
  const last = end.safeParse(value);
  if (last.success) return { kind: 'end', end: last.data };
  throw new RangeError('neither a table nor the end');
}

/** Reads the first line. Throws BackupError for any other file, and for a newer format. */
export function readHeader(text: string): BackupHeader {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw notABackup(error);
  }
  const named = z.object({ format: z.literal('holdfast-backup'), version: z.int() }).safeParse(value);
  if (!named.success) throw notABackup(named.error);
  if (named.data.version > backupVersion)
    throw new BackupError(
      `the backup has format ${named.data.version}, and this version of Holdfast reads format ${backupVersion}`,
      'restore it with the version of Holdfast that made it, or a newer one',
    );
  const whole = header.safeParse(value);
  if (!whole.success) throw notABackup(whole.error);
  return whole.data;
}

function notABackup(cause: unknown): BackupError {
  return new BackupError(
    'it is no backup of Holdfast: its first line is no header',
    'name a file that holdfast backup has made, decrypted and decompressed',
    cause,
  );
}
