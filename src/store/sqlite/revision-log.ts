import type Database from 'better-sqlite3';
import { maxTold, toldChanges, toldOutright } from '../revision-log.ts';
import type { ServedChangeTable } from '../schema.ts';
import type { ServedChanges } from '../served-changes.ts';

/** The revisions as a process reads them, on a connection that stands in no transaction. */
export class RevisionLog {
  readonly #revision: Database.Statement<[], number>;
  readonly #changes: Database.Statement<[number], ServedChangeTable>;

  constructor(database: Database.Database) {
    this.#revision = database.prepare<[], number>('SELECT revision FROM revision WHERE id = 1').pluck();
    this.#changes = database.prepare<[number], ServedChangeTable>(
      `SELECT revision, kind, name FROM served_changes WHERE revision > ? ORDER BY revision LIMIT ${maxTold + 1}`,
    );
  }

  read(): number {
    return this.#revision.get() ?? -1;
  }

  changes(since: number, revision: number): ServedChanges {
    return toldOutright(since, revision) ?? toldChanges(this.#changes.all(since), since, revision);
  }
}
