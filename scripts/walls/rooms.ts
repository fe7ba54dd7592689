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

export const rooms: Readonly<Record<string, Room>> = {
  src: { rooms: [], packages: ['pino'] },
  'src/main.ts': { rooms: ['src', 'src/cli'] },

  'src/cli': {
    rooms: [
      ground,
      '.',
      'src/admin',
      'src/audit',
      'src/config',
      'src/doctor',
      'src/http',
      'src/identity',
      'src/store',
      'src/token',
      'src/token/probe',
      'src/vault',
    ],
    packages: ['commander', 'string-width', 'yaml'],
  },
  'src/doctor': { rooms: [ground, 'src/config', 'src/sigv4', 'src/store'] },
  'src/http': {
    rooms: [
      ground,
      'src/admin',
      'src/admin/reference',
      'src/audit',
      'src/aws',
      'src/config',
      'src/identity',
      'src/sigv4',
      'src/store',
      'src/token',
      'src/vault',
      'src/xks',
    ],
    packages: ['@koa/router', 'koa', 'rate-limiter-flexible', 'zod'],
  },
  'src/admin': {
    rooms: [ground, 'src/audit', 'src/aws', 'src/identity', 'src/store', 'src/token', 'src/vault'],
    packages: ['kysely', 'zod'],
  },
  'src/admin/reference': { rooms: [ground, 'src/admin'] },
  'src/xks': { rooms: [ground, 'src/config', 'src/token', 'src/vault'], packages: ['zod'] },
  'src/identity': {
    rooms: [ground, 'src/audit', 'src/store', 'src/token', 'src/vault'],
    packages: ['kysely', 'nodemailer', 'openid-client', 'otpauth', 'zod'],
  },
  'src/vault': {
    rooms: [ground, 'src/audit', 'src/aws', 'src/config', 'src/store', 'src/token'],
    packages: ['kysely', 'zod'],
  },
  'src/aws': {
    rooms: [ground],
    packages: ['@aws-sdk/client-iam', '@aws-sdk/client-kms', '@aws-sdk/client-sts'],
  },
  'src/audit': { rooms: ['src/store'], packages: ['kysely'] },
  'src/token': { rooms: [ground, 'src/config'], packages: ['graphene-pk11', 'pkcs11js'] },
  'src/token/probe': { rooms: [ground, 'src/config', 'src/token'], packages: ['pkcs11js'] },
  'src/store': {
    rooms: [ground, 'src/store/migrations'],
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

  demo: {
    rooms: ['simulator', 'src/cli'],
    packages: ['@aws-sdk/client-iam', '@aws-sdk/client-kms', '@aws-sdk/client-s3'],
  },
  scripts: { rooms: ['scripts/docs', 'src/config'], packages: ['better-sqlite3', 'pkcs11js', 'prettier'] },
  'scripts/docs': {
    rooms: ['src', 'src/admin', 'src/cli', 'src/config', 'src/token', 'src/xks'],
    packages: ['commander', 'smol-toml', 'zod'],
  },
  'scripts/walls': { rooms: [] },
  bench: { rooms: ['src/**', 'simulator', 'testing/**'], packages: ['*'] },
  // What tests and measurements share: whole nodes, tokens, clients. Tests themselves are imported by nobody else.
  'testing/**': { rooms: ['src/**', 'simulator/**'], packages: ['*'] },
  // Tests look behind every door.
  'test/**': { rooms: ['**'], packages: ['*'] },
};
