import { randomBytes } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { QueryResult } from 'pg';
import { wallClock } from '../../clock.ts';
import type { HolderLine, HolderLineOptions, NewHolder, Renewed } from '../holder-line.ts';
import { momentOf, type Moment } from '../revision-log.ts';
import type { RevisionTable } from '../schema.ts';
import { StoreError } from '../store-error.ts';
import { changeChannel } from './change-channel.ts';
import { BoundedClient, clientOptions, storeTypes } from './pool.ts';
import { toStoreError } from './postgres-faults.ts';
import { examine } from './session.ts';
import type { PostgresSettings } from './settings.ts';

/** A node that runs shows itself far more often, milliseconds. */
const longGone = 10 * 60_000;

/**
 * One connection that listens for changes and renews on itself: where it is dead, so that it hears nothing, neither does it renew.
 * No transaction is ever open on it.
 */
export class PostgresHolderLine implements HolderLine {
  readonly #client: BoundedClient;
  /** The server could not make durable what it was told last. */
  #warning: string | undefined;

  private constructor(client: BoundedClient) {
    this.#client = client;
  }

  /** Throws StoreError. */
  static async open(
    settings: PostgresSettings,
    { timeout, onHint, onGone }: HolderLineOptions,
  ): Promise<PostgresHolderLine> {
    const client = new BoundedClient({
      ...clientOptions(settings),
      types: storeTypes,
      application_name: 'holdfast lease',
      // A row, or a term, that a crash takes back would be waited for by nobody.
      options: `-c search_path=public -c synchronous_commit=on -c lock_timeout=${timeout} -c statement_timeout=${timeout}`,
      connectionTimeoutMillis: timeout,
      query_timeout: timeout,
    });
    const line = new PostgresHolderLine(client);
    client.on('error', onGone);
    client.on('end', onGone);
    client.on('notification', onHint);
    client.on('notice', ({ code, message }) => {
      if (code?.startsWith('01') === true) line.#warning = message ?? code;
    });
    try {
      await client.connect();
      await examine(client, settings);
      await client.query(`LISTEN ${changeChannel}`);
      return line;
    } catch (error) {
      await line.close();
      throw toStoreError(error);
    }
  }

  async join({ id, nodeId, hostname, length }: NewHolder): Promise<void> {
    await this.#send(
      `INSERT INTO snapshot_holders (id, node_id, hostname, term, epoch, length, joined_at)
        VALUES ($1, $2, $3, 0, -1, $4, $5) ON CONFLICT (id) DO NOTHING`,
      [id, nodeId, hostname, length, wallClock().toISOString()],
    );
  }

  async renew(id: string): Promise<Renewed | undefined> {
    const { rows } = await this.#send<Omit<Selectable<RevisionTable>, 'id'> & { older: number }>(
      `UPDATE snapshot_holders SET term = term + 1, mark = $3 WHERE id = $1
        RETURNING (SELECT revision FROM revision WHERE revision.id = 1) AS revision,
          (SELECT mark FROM revision WHERE revision.id = 1) AS mark,
          (SELECT marked FROM revision WHERE revision.id = 1) AS marked,
          (SELECT store_id FROM revision WHERE revision.id = 1) AS store_id,
          EXISTS (SELECT 1 FROM nodes WHERE start IS NULL AND last_seen_at >= $2) AS older`,
      [id, new Date(wallClock().getTime() - longGone).toISOString(), randomBytes(12).toString('base64url')],
    );
    const [row] = rows;
    return row === undefined ? undefined : { at: momentOf(row), older: row.older === 1 };
  }

  async confirm(id: string, epoch: number, { revision, mark }: Moment): Promise<void> {
    await this.#send(
      `UPDATE snapshot_holders SET epoch = $2 WHERE id = $1 AND epoch < $2 AND (
        EXISTS (SELECT 1 FROM revision WHERE revision.id = 1 AND revision = $3
          AND CASE WHEN marked = revision THEN mark END IS NOT DISTINCT FROM $4)
        OR EXISTS (SELECT 1 FROM served_changes WHERE revision = $3 AND mark IS NOT DISTINCT FROM $4))`,
      [id, epoch, revision, mark],
    );
  }

  async leave(id: string): Promise<void> {
    await this.#send('DELETE FROM snapshot_holders WHERE id = $1', [id]);
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => undefined);
  }

  #assertCertain(): void {
    if (this.#warning === undefined) return;
    throw new StoreError(
      'not-certain',
      `the lease is not certain on the standby (${this.#warning})`,
      'see the standby: docs/fleet.md',
    );
  }

  async #send<R extends object>(sql: string, values: readonly unknown[]): Promise<QueryResult<R>> {
    this.#warning = undefined;
    try {
      const result = await this.#client.query<R>(sql, [...values]);
      this.#assertCertain();
      return result;
    } catch (error) {
      throw toStoreError(error);
    }
  }
}
