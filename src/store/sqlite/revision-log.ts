import type Database from 'better-sqlite3';
import type { Selectable } from 'kysely';
import {
  beforeEverything,
  maxTold,
  momentOf,
  toldChanges,
  toldOutright,
  type Moment,
} from '../revision-log.ts';
import type { RevisionTable, ServedChangeTable } from '../schema.ts';
import type { ChangesSince } from '../served-changes.ts';

/** The revisions as a process reads them, on a connection that stands in no transaction. */
export class RevisionLog {
  readonly #revision: Database.Statement<[], Omit<Selectable<RevisionTable>, 'id'>>;
  readonly #changes: Database.Statement<[number], Selectable<ServedChangeTable>>;

  constructor(database: Database.Database) {
    this.#revision = database.prepare('SELECT revision, mark, marked, store_id FROM revision WHERE id = 1');
    this.#changes = database.prepare(
      `SELECT revision, kind, name, mark, taken FROM served_changes WHERE revision >= ? ORDER BY revision LIMIT ${maxTold + 1}`,
    );
  }

  read(): Moment {
    const row = this.#revision.get();
    return row === undefined ? beforeEverything : momentOf(row);
  }

  changes(since: Moment, now: Moment): ChangesSince {
    return toldOutright(since, now) ?? toldChanges(this.#changes.all(since.revision), since, now);
  }
}
