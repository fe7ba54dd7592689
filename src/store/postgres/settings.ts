/** How the database is reached, and what it is claimed to do with what it has acknowledged. Files are read at each connection. */
export interface PostgresSettings {
  /** A host name or address, always with TLS; or the directory of a UNIX socket, beginning with `/`. */
  host: string;
  port: number;
  database: string;
  user: string;
  /** A file with the password of the role; without, the server lets it in by certificate or by who runs the process. */
  passwordFile?: string | undefined;
  /** A file of the CA certificates that the server's must chain to; without, those that Node brings. */
  caFile?: string | undefined;
  /** The name in the server's certificate where it is not `host`. */
  serverName?: string | undefined;
  /** PEM files of a client certificate and its key. */
  certificateFile?: string | undefined;
  keyFile?: string | undefined;
  durability: Durability;
}

/**
 * Where a change is once it is acknowledged: on the disk of the `single` server that there is; on that of a `synchronous` standby
 * too; in `storage` that outlives the server, as managed databases have it.
 */
export type Durability = 'single' | 'synchronous' | 'storage';

/** Host and database, for people. */
export function nameOf({
  host,
  port,
  database,
}: Pick<PostgresSettings, 'host' | 'port' | 'database'>): string {
  return host.startsWith('/') ? `${database} at ${host}` : `${database} at ${host}:${port}`;
}
