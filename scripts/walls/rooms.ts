/*
 * The walls of the house: which room may import what. A room is a folder, not with what is below it; a file may have a row
 * of its own; `x/**` is a folder with all below it. What is not named here is refused, a folder without a row too, from
 * either side. docs/architecture.md (the map) says what each room knows, and a test holds that it says the same as this.
 *
 * A room has itself, and Node's own modules.
 */

export interface Room {
  /** Folders and files from the top of the project; `**` is everything. */
  rooms: readonly string[];
  /** Packages by name; `*` is all of package.json. */
  packages?: readonly string[];
}

/** What every room of `src` may have: the two clocks, secrets, the log, what an errno means. */
const ground = 'src';

/** What every domain of records may have: the trail, the tables, what is said to tokens, the ground of every act. */
const domain = [ground, 'src/evidence', 'src/store', 'src/token', 'src/vault'];

export const rooms: Readonly<Record<string, Room>> = {
  src: { rooms: [], packages: ['pino'] },
  'ava.config.js': { rooms: ['src'] },
  'src/main.ts': { rooms: ['src', 'src/cli'] },

  // The command line.
  'src/cli': {
    rooms: ['src/cli/client', 'src/cli/commands/**', 'src/cli/completion', 'src/cli/node', 'src/cli/output'],
    packages: ['commander'],
  },
  'src/cli/commands/**': {
    rooms: [
      ground,
      'src/cli/archive',
      'src/cli/client',
      'src/cli/client/api-types.ts',
      'src/cli/node',
      'src/cli/output',
      'src/cli/records',
      'src/cloudtrail',
    ],
    packages: ['commander'],
  },
  'src/cli/archive': {
    rooms: [
      ground,
      'src/cli/client',
      'src/cli/client/api-types.ts',
      'src/cli/output',
      'src/evidence',
      'src/store/sqlite',
    ],
    packages: ['commander'],
  },
  'src/cli/completion': {
    rooms: ['src/cli/client', 'src/cli/commands/**', 'src/cli/output'],
    packages: ['commander'],
  },
  'src/cli/records': {
    rooms: [ground, 'src/cli/client', 'src/cli/client/api-types.ts', 'src/cli/output'],
    packages: ['commander'],
  },
  'src/cli/client': {
    rooms: [ground, '.', 'src/cli/client/api-types.ts', 'src/cli/output'],
    packages: ['commander'],
  },
  'src/cli/output': { rooms: [ground], packages: ['commander', 'string-width', 'yaml'] },
  'src/cli/node': {
    rooms: [
      ground,
      'src/admin/**',
      'src/fleet',
      'src/cli/client',
      'src/cli/output',
      'src/cloud/kms-keys',
      'src/config',
      'src/doctor',
      'src/evidence',
      'src/http',
      'src/identity/**',
      'src/keys/**',
      'src/node',
      'src/node/tls',
      'src/reconcile',
      'src/store',
      'src/store/backup',
      'src/store/moving',
      'src/store/opening',
      'src/store/sqlite',
      'src/tenancy',
      'src/token',
      'src/token/host/**',
      'src/token/keeper',
      'src/token/pool',
      'src/token/probe',
      'src/vault',
    ],
    packages: ['commander'],
  },
  'src/doctor': {
    rooms: [ground, 'src/config', 'src/sigv4', 'src/store', 'src/store/opening', 'src/store/sqlite'],
  },

  // Processes, listeners, applications.
  'src/node': {
    rooms: [
      ground,
      'src/admin/**',
      'src/cloud',
      'src/cloud/aws',
      'src/cloud/kms-keys',
      'src/config',
      'src/fleet',
      'src/http',
      'src/keys/**',
      'src/metrics',
      'src/metrics/series',
      // Started as a process, never imported.
      'src/node/xks-worker.ts',
      'src/node/tls',
      'src/reconcile',
      'src/schedules',
      'src/serving',
      'src/store',
      'src/store/opening',
      'src/store/sqlite',
      'src/token',
      'src/token/keeper',
      'src/token/pool',
      'src/vault',
      'src/xks',
    ],
  },
  'src/node/tls': { rooms: [ground, 'src/admin/**', 'src/config', 'src/http'] },
  // What AWS calls: it has nothing that could call AWS, and signs nobody in.
  'src/node/xks-worker.ts': { rooms: [ground, 'src/node', 'src/node/xks-service.ts'] },
  'src/node/xks-service.ts': {
    rooms: [
      ground,
      'src/http',
      'src/metrics',
      'src/node',
      'src/serving',
      'src/store',
      'src/store/opening',
      'src/store/sqlite',
      'src/token/pool',
      'src/vault',
      'src/xks',
    ],
  },
  'src/http': {
    rooms: [
      ground,
      'src/admin/**',
      'src/admin/reference',
      'src/config',
      'src/evidence',
      'src/fleet',
      'src/identity/**',
      'src/metrics',
      'src/serving',
      'src/sigv4',
      'src/store',
      'src/token',
      'src/xks',
    ],
    packages: ['@koa/router', 'koa', 'rate-limiter-flexible', 'zod'],
  },
  'src/admin/**': {
    rooms: [
      ground,
      'src/cloud/accounts',
      'src/cloud/aws',
      'src/cloud/key-stores',
      'src/cloud/kms-keys',
      'src/evidence',
      'src/fleet',
      'src/identity/**',
      'src/keys/**',
      'src/metrics',
      'src/metrics/exposition',
      'src/metrics/series',
      'src/reconcile',
      'src/schedules',
      'src/store',
      'src/tenancy',
      'src/token',
      'src/vault',
    ],
    packages: ['kysely', 'zod'],
  },
  'src/admin/reference': { rooms: [ground, 'src/admin/**'] },
  'src/xks': {
    rooms: [ground, 'src/config', 'src/serving', 'src/token', 'src/token/pool', 'src/vault'],
    packages: ['zod'],
  },
  // What is counted; XKS workers count, and know nothing of who asks.
  'src/metrics': { rooms: [ground] },
  'src/metrics/exposition': { rooms: [ground, 'src/metrics'], packages: ['@prometheus-io/client'] },
  'src/metrics/series': {
    rooms: [ground, 'src/metrics', 'src/store', 'src/vault'],
    packages: ['kysely', 'zod'],
  },
  'src/serving': {
    rooms: [ground, 'src/config', 'src/keys/**', 'src/lease', 'src/store', 'src/token', 'src/vault'],
    packages: ['kysely'],
  },

  // What goes through several domains.
  'src/schedules': {
    rooms: [
      ...domain,
      'src/cloud/key-stores',
      'src/fleet',
      'src/identity/**',
      'src/keys/**',
      'src/reconcile',
      'src/store/backup',
      'src/tenancy',
    ],
    packages: ['kysely'],
  },
  'src/reconcile': {
    rooms: [...domain, 'src/cloud/accounts', 'src/fleet', 'src/keys/**'],
    packages: ['kysely'],
  },
  'src/tenancy': {
    rooms: [
      ground,
      'src/cloud/accounts',
      'src/cloud/key-stores',
      'src/cloud/kms-keys',
      'src/evidence',
      'src/identity/**',
      'src/keys/**',
      'src/store',
      'src/vault',
    ],
    packages: ['kysely'],
  },

  // The domains: clouds know CloudKeys, CloudKeys know no cloud (src/keys/followers.ts is the door between them).
  'src/cloud': {
    rooms: [
      ground,
      'src/cloud/accounts',
      'src/cloud/controller',
      'src/cloud/key-stores',
      'src/cloud/kms-keys',
      'src/fleet',
    ],
  },
  'src/cloud/kms-keys': {
    rooms: [
      ...domain,
      'src/cloud/accounts',
      'src/cloud/aws',
      'src/cloud/controller',
      'src/cloud/key-stores',
      'src/keys/**',
    ],
    packages: ['kysely', 'zod'],
  },
  'src/cloud/key-stores': {
    rooms: [
      ...domain,
      'src/cloud/accounts',
      'src/cloud/aws',
      'src/cloud/controller',
      'src/fleet',
      'src/keys/**',
    ],
    packages: ['kysely'],
  },
  'src/cloud/accounts': {
    rooms: [...domain, 'src/cloud/aws', 'src/cloud/controller', 'src/fleet', 'src/keys/**'],
    packages: ['kysely'],
  },
  'src/cloud/controller': {
    rooms: [...domain, 'src/cloud/aws', 'src/fleet'],
    packages: ['kysely', 'zod'],
  },
  'src/cloud/aws': {
    rooms: [ground],
    packages: ['@aws-sdk/client-iam', '@aws-sdk/client-kms', '@aws-sdk/client-sts'],
  },
  'src/keys/**': {
    // Which HSMs nodes show.
    rooms: [...domain, 'src/fleet'],
    packages: ['kysely'],
  },
  'src/identity/**': {
    rooms: domain,
    packages: ['kysely', 'nodemailer', 'openid-client', 'otpauth', 'zod'],
  },
  'src/fleet': {
    rooms: [ground, 'src/evidence', 'src/lease', 'src/store', 'src/vault'],
    packages: ['kysely'],
  },
  // Arithmetic: it reads neither a clock nor the store.
  'src/lease': { rooms: [] },
  'src/vault': {
    rooms: [ground, 'src/evidence', 'src/store', 'src/token', 'src/token/pool'],
    packages: ['kysely', 'zod'],
  },
  'src/evidence': { rooms: ['src/store'], packages: ['kysely'] },

  // Tokens: nobody but a host loads a PKCS#11 module, and nobody but the keeper starts one.
  'src/token': { rooms: [ground, 'src/config'] },
  'src/token/host/**': {
    rooms: [ground, 'src/config', 'src/token'],
    packages: ['graphene-pk11', 'pkcs11js'],
  },
  'src/token/keeper': { rooms: [ground, 'src/token', 'src/token/host/**', 'src/token/pool'] },
  'src/token/pool': { rooms: [ground, 'src/token'] },
  'src/token/probe': {
    rooms: [ground, 'src/config', 'src/token', 'src/token/host/**'],
    packages: ['pkcs11js'],
  },

  'src/store': { rooms: [ground, 'src/store/migrations', 'src/store/schema'], packages: ['kysely'] },
  'src/store/schema': { rooms: [], packages: ['kysely'] },
  'src/store/sqlite': { rooms: [ground, 'src/store'], packages: ['better-sqlite3', 'kysely', 'zod'] },
  'src/store/opening': { rooms: [ground, 'src/store', 'src/store/postgres', 'src/store/sqlite'] },
  'src/store/moving': {
    rooms: [ground, 'src/store', 'src/store/opening', 'src/store/postgres', 'src/store/sqlite'],
    packages: ['better-sqlite3', 'kysely'],
  },
  'src/store/postgres': { rooms: [ground, 'src/store'], packages: ['kysely', 'pg'] },
  'src/store/backup': {
    rooms: [ground, 'src/store', 'src/store/sqlite'],
    packages: ['better-sqlite3', 'kysely', 'zod'],
  },
  'src/store/migrations': { rooms: [], packages: ['kysely'] },
  'src/sigv4': { rooms: [ground], packages: ['@smithy/signature-v4'] },
  'src/config': { rooms: [ground], packages: ['smol-toml', 'zod'] },

  // Plays AWS with nothing of src/ and nothing of AWS's: a misreading of AWS in one shows in the other.
  simulator: {
    rooms: ['simulator/iam', 'simulator/kms', 'simulator/s3', 'simulator/xks'],
    packages: ['commander'],
  },
  'simulator/iam': { rooms: ['simulator', 'simulator/kms'] },
  'simulator/kms': { rooms: ['simulator', 'simulator/iam', 'simulator/xks'] },
  'simulator/s3': { rooms: ['simulator', 'simulator/kms'], packages: ['fast-xml-parser'] },
  'simulator/xks': { rooms: ['simulator'] },

  // The console: a client of the management API, which knows nothing of it but what its OpenAPI document says.
  'web/**': {
    rooms: ['src/cli/client/api-types.ts', 'src/cloudtrail'],
    packages: [
      '@cloudscape-design/collection-hooks',
      '@cloudscape-design/components',
      '@cloudscape-design/global-styles',
      '@tanstack/react-query',
      'qr',
      'react',
      'react-dom',
      'react-router',
      'vite',
    ],
  },
  'src/cli/client/api-types.ts': { rooms: [] },
  'src/cloudtrail': { rooms: [] },

  demo: {
    rooms: ['simulator', 'src/cli/node'],
    packages: ['@aws-sdk/client-iam', '@aws-sdk/client-kms', '@aws-sdk/client-s3'],
  },
  'demo/fleet': { rooms: ['demo', 'src/cli/node', 'testing/**'] },
  scripts: {
    rooms: ['scripts/docs', 'src/config', 'web/**'],
    packages: ['better-sqlite3', 'pkcs11js', 'playwright-core', 'prettier', 'vite'],
  },
  'scripts/docs': {
    rooms: [
      'src',
      'src/admin/**',
      'src/cli',
      'src/cli/completion',
      'src/cli/output',
      'src/config',
      'src/token',
      'src/token/host/**',
      'src/xks',
    ],
    packages: ['commander', 'smol-toml', 'zod'],
  },
  'scripts/walls': { rooms: [] },
  'scripts/words': { rooms: [] },
  chaos: { rooms: ['src/**', 'testing/**'], packages: ['*'] },
  bench: { rooms: ['src/**', 'simulator', 'testing/**'], packages: ['*'] },
  // What tests and measurements share: whole nodes, tokens, clients. Tests themselves are imported by nobody else.
  'testing/**': { rooms: ['src/**', 'simulator/**'], packages: ['*'] },
  // Tests look behind every door.
  'test/**': { rooms: ['**'], packages: ['*'] },
};
