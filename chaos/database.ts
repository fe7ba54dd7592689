import { chmod } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LoopDisk } from '../testing/loop-disk.ts';
import { PostgresCluster } from '../testing/postgres.ts';
import { PostgresStore } from '../src/store/postgres/postgres.ts';
import type { PostgresSettings } from '../src/store/postgres/settings.ts';
import type { FleetDatabase } from './fleet.ts';

/** What every standby calls itself, so that each may follow each. */
const name = 'standby';

/** A primary, and its synchronous standby without which no commit is acknowledged. */
export class Database implements FleetDatabase {
  #primary: PostgresCluster;
  readonly ports = new SharedArrayBuffer(8);
  #standby: PostgresCluster | undefined;
  /** What the primary and its standby are on, in turns. */
  readonly #disks: readonly LoopDisk[];
  readonly settings: PostgresSettings;
  readonly passwordFile: string;
  readonly ca: string;
  /** With a store of its own. */
  #other: PostgresCluster | undefined;

  private constructor(
    primary: PostgresCluster,
    standby: PostgresCluster | undefined,
    { settings, disks }: { settings: PostgresSettings; disks: readonly LoopDisk[] },
  ) {
    this.#disks = disks;
    this.#primary = primary;
    this.passwordFile = primary.passwordFile;
    this.ca = primary.ca.certificate;
    this.#tellPort();
    this.#standby = standby;
    this.settings = settings;
  }

  static async start(): Promise<Database> {
    const disks = await makeDisks();
    const primary = await PostgresCluster.create({ base: disks[0]?.directory });
    const settings = await primary.database('template0', 'tls');
    const standby = await primary.standby(name, disks[1]?.directory);
    // The standby too: it asks for one once it is the primary.
    for (const server of [standby, primary]) await server.set('synchronous_standby_names', name);
    return new Database(primary, standby, { settings: { ...settings, durability: 'synchronous' }, disks });
  }

  /** One server, of which nobody asks for more. */
  static async startAlone(): Promise<Database> {
    const primary = await PostgresCluster.create();
    return new Database(primary, undefined, {
      settings: await primary.database('template0', 'tls'),
      disks: [],
    });
  }

  get primary(): PostgresCluster {
    return this.#primary;
  }

  get standby(): PostgresCluster {
    if (this.#standby === undefined) throw new Error('the database has no standby');
    return this.#standby;
  }

  #tellPort(): void {
    Atomics.store(new Int32Array(this.ports), 0, this.#primary.port);
  }

  /** Another server with a database of the same name, role and password, and a store of its own in it: the nodes trust its certificate. */
  async other(): Promise<PostgresCluster> {
    if (this.#other !== undefined) return this.#other;
    const other = await PostgresCluster.create({ ca: this.#primary.ca });
    this.#other = other;
    const settings = await other.database();
    if (settings.database !== this.settings.database) throw new Error('the names are not the same');
    await (await PostgresStore.init(settings)).close();
    Atomics.store(new Int32Array(this.ports), 1, other.port);
    return other;
  }

  /** How many changes that server was told to have lost, over all. */
  async lossesTold(server: PostgresCluster): Promise<number> {
    const [row] = await server.asSuperuser<{ losses: number }>(
      'SELECT count(*)::integer AS losses FROM lost_changes',
      this.settings.database,
    );
    return row?.losses ?? 0;
  }

  /** The primary is gone as after a power cut, and its standby takes over; what is left of the old one follows it, from a new copy. */
  async failOver(): Promise<void> {
    const old = this.primary;
    await old.stop('crash');
    await this.standby.promote();
    this.#primary = this.standby;
    this.#tellPort();
    await old.dispose();
    const other = this.#disks.find((disk) => disk !== this.disk);
    this.#standby = await this.primary.standby(name, other?.directory);
  }

  /**
   * From now on another standby falls behind, for which nobody waits. Resolves with how to fail over to it, as it must not be done:
   * what has been acknowledged meanwhile is lost.
   */
  async leaveBehind(): Promise<() => Promise<void>> {
    const behind = await this.primary.standby('behind');
    await behind.stop();
    return async () => {
      const old = [this.primary, this.standby];
      await Promise.all(old.map(async (server) => server.stop('crash')));
      await behind.start();
      await behind.promote();
      this.#primary = behind;
      this.#tellPort();
      await Promise.all(old.map(async (server) => server.dispose()));
      this.#standby = await behind.standby(name, this.#disks[0]?.directory);
    };
  }

  /** Of the primary; undefined where no disk of its own can be made on this machine. */
  get disk(): LoopDisk | undefined {
    return this.#disks.find(({ directory }) => this.primary.directory.startsWith(`${directory}/`));
  }

  /** Whatever became of it: a server that finds no room at its start has ended. */
  async untilItAnswers(): Promise<void> {
    for (;;)
      try {
        if (!this.primary.isRunning) await this.primary.start();
        return void (await this.primary.asSuperuser('SELECT 1'));
      } catch {
        await delay(50);
      }
  }

  /** Ends each query that waits for the standby: PostgreSQL answers then that it is committed. Resolves with how many there were. */
  async cancelCommits(): Promise<number> {
    const cancelled = await this.primary.asSuperuser(
      `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`,
    );
    return cancelled.length;
  }

  /** The row that a node of a release before leases would have in the store; or it is taken away. */
  async showOlderNode(isThere: boolean): Promise<void> {
    const row = `'older', 'older', '0.2.0', now()::text, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
    await this.primary.asSuperuser(
      isThere
        ? `INSERT INTO nodes (id, hostname, version, started_at, last_seen_at) VALUES (${row})`
        : `DELETE FROM nodes WHERE id = 'older'`,
      this.settings.database,
    );
  }

  async stop(): Promise<void> {
    for (const server of [this.#other, this.#standby, this.#primary]) await server?.stop('crash');
    await Promise.all(this.#disks.map(async (disk) => disk.dispose()));
  }
}

/** Two, for root where there are loop devices; else none. Megabytes: room for a copy of the database and its log. */
async function makeDisks(): Promise<LoopDisk[]> {
  const made = [await LoopDisk.create(320), await LoopDisk.create(320)];
  const disks = made.filter((disk) => typeof disk !== 'string');
  // PostgreSQL is another user's.
  for (const { directory } of disks) await chmod(path.dirname(directory), 0o711);
  return disks;
}
