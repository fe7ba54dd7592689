/*
 * Triggers are written once, as SQLite takes them (sqlite.org/lang_createtrigger.html), and translated into a function and a
 * trigger of PostgreSQL's. What this does not know it refuses, so that no migration does something else there unseen.
 */

const form =
  /^\s*CREATE TRIGGER "?(\w+)"? (BEFORE|AFTER) (INSERT|UPDATE|DELETE) ON "?(\w+)"?\s+(?:WHEN\s+([\s\S]+?)\s+)?BEGIN\s+([\s\S]+?)\s*;\s*END\s*$/i;
const refusal = /^SELECT RAISE\(ABORT, '([^']+)'\)$/i;

/** PostgreSQL's statements for a statement of a migration; undefined where it takes it as it is. */
export function translated(statement: string): string[] | undefined {
  if (/^\s*DROP TRIGGER\b/i.test(statement)) return [translatedDrop(statement)];
  if (/^\s*CREATE TRIGGER\b/i.test(statement)) return translatedTrigger(statement);
  return undefined;
}

/** The trigger goes with its function, which has its name. */
function translatedDrop(statement: string): string {
  const name = /^\s*DROP TRIGGER "?(\w+)"?\s*$/i.exec(statement)?.[1];
  if (name === undefined) throw unknown(statement);
  return `DROP FUNCTION ${name}() CASCADE`;
}

function translatedTrigger(statement: string): string[] {
  const found = form.exec(statement);
  if (found === null) throw unknown(statement);
  const [, name = '', time = '', act = '', table = '', condition, body = ''] = found;
  const isBefore = time.toUpperCase() === 'BEFORE';
  const isDelete = act.toUpperCase() === 'DELETE';
  const result = isBefore ? (isDelete ? 'OLD' : 'NEW') : 'NULL';
  const statements = body
    .split(';')
    .map((part) => `${translatedStatement(part.trim())};`)
    .join(' ');
  const whole = condition === undefined ? statements : `IF ${nullSafe(condition)} THEN ${statements} END IF;`;
  const made = [
    functionOf(name, `${whole} RETURN ${result};`),
    `CREATE TRIGGER ${name} ${time} ${act} ON ${table} FOR EACH ROW EXECUTE FUNCTION ${name}()`,
  ];
  const refused = refusal.exec(body.trim());
  // TRUNCATE asks no trigger of rows.
  if (isBefore && isDelete && refused !== null)
    made.push(
      `CREATE OR REPLACE TRIGGER ${name}_all BEFORE TRUNCATE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION ${refusing}()`,
    );
  return made;
}

function translatedStatement(statement: string): string {
  const refused = refusal.exec(statement);
  if (refused !== null) return `RAISE EXCEPTION USING ERRCODE = 'HF001', MESSAGE = '${refused[1]}'`;
  if (!/^UPDATE \w+ SET /i.test(statement)) throw unknown(statement);
  return statement;
}

/** SQLite's IS NOT between two values. */
function nullSafe(condition: string): string {
  return condition.replaceAll(/\bIS NOT (?=OLD\.|NEW\.)/gi, 'IS DISTINCT FROM ');
}

function functionOf(name: string, body: string): string {
  return `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $holdfast$BEGIN ${body} END$holdfast$`;
}

const refusing = 'holdfast_no_truncate';

/** Made once, before the first migration. */
export const refusingFunction = `CREATE OR REPLACE FUNCTION ${refusing}() RETURNS trigger LANGUAGE plpgsql AS $holdfast$BEGIN
  RAISE EXCEPTION USING ERRCODE = 'HF001', MESSAGE = 'this table is never emptied'; END$holdfast$`;

function unknown(statement: string): Error {
  return new Error(`a migration has a trigger that is not translated for PostgreSQL: ${statement}`);
}
