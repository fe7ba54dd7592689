import type { KeyContext } from '../../src/keys/followers.ts';
import { awsFollower } from '../../src/cloud/kms-keys/cloud-key-follower.ts';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { ownAuthority, type Act } from '../../src/evidence/trail.ts';
import { hashPassword } from '../../src/identity/passwords.ts';
import type { Site } from '../../src/identity/first-passwords.ts';
import { openSession, type OpenedSession, type UserRow } from '../../src/identity/sessions.ts';
import { signIn } from '../../src/identity/sign-in.ts';
import { insertUser, newUser } from '../../src/identity/users.ts';
import { Secret } from '../../src/secret.ts';
import type { Role } from '../../src/store/schema.ts';
import { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import type { PasswordCost } from '../../src/vault/context.ts';
import { TokenPools } from '../../src/vault/tokens.ts';
import { memoryDirectory } from '../../testing/test-node.ts';
import { insertVault, openToken, type TestToken } from '../../testing/vault.ts';
import { byHand } from '../../testing/by-hand.ts';

/** So little that the tests need not wait for it; what a node takes is in passwords.test.ts. */
export const passwordCost: PasswordCost = { memory: 64, passes: 1, parallelism: 1 };
export const limits = { idleMinutes: 15, maxMinutes: 480 };
export const password = new Secret('the usual test phrase');
export const wrong = new Secret('some other test phrase');

export interface People {
  site: Site & KeyContext;
  store: SqliteStore;
  /** Stands still unless moved. */
  clock: { at: number; minutes: (count: number) => void; seconds: (count: number) => void };
  vaultId: string;
  act: (address?: string) => Act;
  /** A user of the vault, or with `vaultId: ''` of the appliance, who signs in with {@link password}. */
  user: (role?: Role, fields?: Partial<UserRow>) => Promise<UserRow>;
  /** A session, as if by a sign-in that owes nothing but what the user's row says. */
  session: (user: UserRow, options?: { cookie?: boolean }) => Promise<OpenedSession>;
  signIn: (user: UserRow, secret?: Secret, address?: string) => Promise<OpenedSession>;
  /** The user as they stand in the store. */
  fresh: (user: Pick<UserRow, 'id'>) => Promise<UserRow>;
  dispose: () => Promise<void>;
}

/** One token for all tests of a file: what they seal is bound to records of their own. */
let token: Promise<TestToken> | undefined;
test.after.always(async () => (await token)?.dispose());

/** People with a store and a clock of their own; with a real token, or with none. */
export async function openPeople(options: { token?: boolean } = {}): Promise<People> {
  const rooms = options.token === true ? (await (token ??= openToken())).tokens : new TokenPools([]);
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-people-'));
  const store = await SqliteStore.init(path.join(directory, 'holdfast.db'));
  const { id } = await insertVault(store, 'Blue Harbour');
  return people(store, rooms, id, async () => {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });
}

let hash: Promise<string> | undefined;
let count = 0;

function people(
  store: SqliteStore,
  tokens: TokenPools,
  vaultId: string,
  dispose: () => Promise<void>,
): People {
  const clock = {
    at: Date.parse('2026-11-24T12:00:00.000Z'),
    minutes: (minutes: number) => void (clock.at += minutes * 60_000),
    seconds: (seconds: number) => void (clock.at += seconds * 1000),
  };
  const site: Site & KeyContext = {
    store,
    tokens,
    now: () => new Date(clock.at),
    instance: 'test-node/1',
    followers: [awsFollower],
    passwordCost,
    signInUrl: (vault) => `https://keys.example.com/sign-in/${vault}`,
  };
  const act = (address = '192.0.2.7'): Act => ({
    actor: { kind: 'command', id: '', name: 'test' },
    address,
    requestId: randomUUID(),
    at: site.now(),
    now: site.now,
    authority: ownAuthority,
  });
  return {
    site,
    store,
    clock,
    vaultId,
    act,
    user: async (role = 'auditor', fields = {}) => {
      hash ??= hashPassword(password, 'test', passwordCost);
      const isAppliance = role.startsWith('appliance');
      const row = newUser(site, isAppliance ? '' : vaultId, {
        username: `person-${++count}`,
        email: 'person@example.com',
        role,
      });
      const made = { ...row, password_hash: await hash, must_change_password: 0, ...fields };
      return store.write(byHand, async (trx) => insertUser(trx, act(), made));
    },
    session: async (user, { cookie = false } = {}) =>
      store.write(byHand, async (trx) =>
        openSession(trx, { context: site, limits }, act(), user, {
          method: 'password',
          cookie,
          address: '192.0.2.7',
          userAgent: 'test',
        }),
      ),
    signIn: async (user, secret = password, address) =>
      signIn(site, limits, act(address), {
        vaultId: user.vault_id,
        username: user.username,
        password: secret,
        cookie: false,
        userAgent: 'test',
      }),
    fresh: async ({ id }) =>
      store.db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirstOrThrow(),
    dispose,
  };
}

/** What stands in the audit trail about a target, oldest first. */
export async function trail(store: SqliteStore, targetId: string) {
  return store.db
    .selectFrom('audit_events')
    .selectAll()
    .where('target_id', '=', targetId)
    .orderBy('sequence')
    .execute();
}
