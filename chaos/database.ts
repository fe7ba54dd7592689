import { PostgresCluster } from '../testing/postgres.ts';
import type { PostgresSettings } from '../src/store/postgres/settings.ts';

/** What every standby calls itself, so that each may follow each. */
const name = 'standby';

/** A primary, and its synchronous standby without which no commit is acknowledged. */
export class Database {
  primary: PostgresCluster;
  standby: PostgresCluster;
  /** What the nodes are told of it, but for the port. */
  readonly settings: PostgresSettings;

  private constructor(primary: PostgresCluster, standby: PostgresCluster, settings: PostgresSettings) {
    this.primary = primary;
    this.standby = standby;
    this.settings = settings;
  }

  static async start(): Promise<Database> {
    const primary = await PostgresCluster.create();
    const settings = await primary.database('template0', 'tls');
    const standby = await primary.standby(name);
    // The standby too: it asks for one once it is the primary.
    for (const server of [standby, primary]) await server.set('synchronous_standby_names', name);
    return new Database(primary, standby, settings);
  }

  /** The primary is gone as after a power cut, and its standby takes over; what is left of the old one follows it, from a new copy. */
  async failOver(): Promise<void> {
    const old = this.primary;
    await old.stop('crash');
    await this.standby.promote();
    this.primary = this.standby;
    await old.dispose();
    this.standby = await this.primary.standby(name);
  }

  /** Ends each query that waits for the standby: PostgreSQL answers then that it is committed. Resolves with how many there were. */
  async cancelCommits(): Promise<number> {
    const cancelled = await this.primary.asSuperuser(
      `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`,
    );
    return cancelled.length;
  }

  async stop(): Promise<void> {
    await this.standby.stop('crash');
    await this.primary.stop('crash');
  }
}
