/* A node, and what a token says of itself. */
export const node = {
  stopped: 'Stopped',
  drained: 'Drained',
  clock: 'Its clock',
  clockOf: (milliseconds: number) =>
    milliseconds === 0
      ? 'As that of the database server'
      : `${Math.abs(milliseconds)} ms ${milliseconds > 0 ? 'ahead of' : 'behind'} that of the database server`,
  revision: 'Revision of the store that it has read',
  leases: 'Leases of its XKS workers',
  leasesOf: (workers: number, seconds: number) =>
    `${workers === 1 ? '1 worker' : `${workers} workers`}, ${seconds} s at a time`,
  confirmed: 'Revision that all of them have confirmed',
  database: 'Database',
  databaseKind: 'Kind',
  databaseKinds: { sqlite: 'SQLite, a file of this node', postgres: 'PostgreSQL' },
  durability: 'Durability that its configuration states',
  notReported: 'Not reported',
  notOpened: 'Not opened yet',
  token: (name: string) => `Token ${name}`,
  tokens: 'Tokens',
  /** Of its XKS workers, all together. */
  hosts: 'Token hosts of its XKS workers',
  versionsDiffer: (versions: readonly string[]) => `Nodes run different versions: ${versions.join(', ')}`,
  hostStates: { starting: 'starting', ready: 'ready', busy: 'busy', sick: 'sick', dead: 'dead' },
  noHosts: 'None',
  mechanisms: (count: number) => `Mechanisms (${count})`,
} as const;
