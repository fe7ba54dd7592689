import type { PoolClient } from 'pg';
import type { PostgresQueryResult } from 'kysely';
import type { Session } from './session.ts';
import { isOfStatement } from './postgres-faults.ts';
import { CommitInDoubt, CommitNotCertain } from './commit-errors.ts';
import { durabilityProblems, durabilityQuery, type DurabilityRow } from './durability.ts';

/**
 * All that write hold this lock to the end of their transactions, as SQLite has them do: what one has read is still so when
 * it commits, and audit events are numbered in the order in which they are seen.
 */
const writeLock = '4748314691126226541';

/**
 * A connection as Kysely uses it. Begins transactions with the store's lock and synchronous commit, takes a COMMIT for done only
 * where it certainly is, and is thrown away after whatever leaves it in an unknown state: `pg` would go on to use it.
 */
export class StoreClient {
  readonly #client: PoolClient;
  readonly #session: Session;
  #broken = false;
  /** Whether the claim held as the transaction began. */
  #heldAtBegin = false;

  constructor(client: PoolClient, session: Session) {
    this.#client = client;
    this.#session = session;
  }

  get processID(): number {
    return this.#session.pid;
  }

  async query<R>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    if (sql === 'begin') return (await this.#begin()) as PostgresQueryResult<R>;
    if (sql === 'commit') return (await this.#commit()) as PostgresQueryResult<R>;
    if (sql === 'rollback') return (await this.#rollback()) as PostgresQueryResult<R>;
    return this.#send<R>(sql, parameters);
  }

  release(destroy = false): void {
    this.#client.release(destroy || this.#broken);
  }

  async #send<R>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> {
    try {
      return (await this.#client.query(sql, [...parameters])) as unknown as PostgresQueryResult<R>;
    } catch (error) {
      if (!isOfStatement(error)) this.#broken = true;
      throw error;
    }
  }

  /** In one round trip. */
  async #begin(): Promise<PostgresQueryResult<unknown>> {
    const lock = `SELECT pg_advisory_xact_lock(${writeLock})`;
    try {
      const results = (await this.#client.query(
        `BEGIN; SET LOCAL synchronous_commit TO on; ${lock}; ${durabilityQuery}`,
      )) as unknown as PostgresQueryResult<DurabilityRow>[];
      this.#heldAtBegin = this.#holds(results.at(-1)?.rows[0]);
      return results[0] as PostgresQueryResult<unknown>;
    } catch (error) {
      // It is in no state that anybody could go on from.
      this.#broken = true;
      throw error;
    }
  }

  async #commit(): Promise<PostgresQueryResult<unknown>> {
    const warnings: string[] = [];
    const listen = ({ code, message }: { code?: string | undefined; message?: string | undefined }): void => {
      if (code?.startsWith('01') === true) warnings.push(message ?? code);
    };
    this.#client.on('notice', listen);
    try {
      const result = await this.#client.query('commit');
      // PostgreSQL says so where it could not wait for the standby any longer.
      if (warnings.length > 0) throw new CommitNotCertain(warnings.join('; '));
      if (result.command === 'COMMIT' && this.#session.claimed === 'synchronous')
        await this.#assertStillDurable();
      return result as unknown as PostgresQueryResult<unknown>;
    } catch (error) {
      if (error instanceof CommitNotCertain || isOfStatement(error)) throw error;
      this.#broken = true;
      throw new CommitInDoubt(this.#session, error);
    } finally {
      this.#client.off('notice', listen);
    }
  }

  /** Where it was given up during the COMMIT, nobody waited for the standby, and PostgreSQL says nothing. */
  async #assertStillDurable(): Promise<void> {
    try {
      const { rows } = await this.#client.query<DurabilityRow>(durabilityQuery);
      if (this.#heldAtBegin && !this.#holds(rows[0]))
        throw new CommitNotCertain('what the server waits for at a COMMIT was changed meanwhile');
    } catch (error) {
      if (error instanceof CommitNotCertain) throw error;
      this.#broken = true;
      throw new CommitNotCertain(`the connection was lost right after COMMIT: ${(error as Error).message}`);
    }
  }

  #holds(row: DurabilityRow | undefined): boolean {
    return row !== undefined && durabilityProblems(this.#session.claimed, row).length === 0;
  }

  /** What led to it is the error to tell, never one of its own. */
  async #rollback(): Promise<PostgresQueryResult<unknown>> {
    if (!this.#broken)
      try {
        await this.#client.query('rollback');
      } catch {
        this.#broken = true;
      }
    return { command: 'ROLLBACK', rowCount: 0, rows: [] };
  }
}
