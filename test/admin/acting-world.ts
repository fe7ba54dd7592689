import { randomUUID } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import { Secret, TOTP } from 'otpauth';
import type { Route } from '../../src/admin/route.ts';
import { hashPassword } from '../../src/identity/passwords.ts';
import type { Role } from '../../src/store/schema.ts';
import { password, passwordCost } from '../identity/people.ts';
import type { AdminAnswer } from '../support/admin-answer.ts';
import type { AdminClient } from '../support/admin-client.ts';
import { openStage, type StageOptions } from '../../testing/external-key-store-stage.ts';
import { pathOf, type OnRecord, type World } from './act-cases.ts';
import { openManagement, type Management } from './management.ts';
import { addUser } from './two-vaults.ts';

/* Every route of the API with what it does on a record of its own, over a store of either kind. */

/** What is not done here, and which test does it. */
export const elsewhere: Readonly<Record<string, string>> = {
  signIn: 'test/identity/sign-in.test.ts',
  signInToVault: 'test/identity/sign-in.test.ts',
  giveSecondFactor: 'test/identity/second-factor.test.ts',
  finishOidcSignIn: 'test/identity/oidc-sign-in.test.ts',
  changePassword: 'test/identity/sign-in.test.ts',
  confirmTotp: 'test/identity/second-factor.test.ts',
  removeTotp: 'test/identity/second-factor.test.ts',
  newRecoveryCodes: 'test/identity/second-factor.test.ts',
  adoptCloudKey: 'test/keys/adoption.test.ts',
  testMail: 'test/identity/mail.test.ts',
};

export interface ActingWorld extends World {
  management: Management;
  actorIds: Map<AdminClient, string>;
  /** Somebody who looks at everything and changes nothing. */
  watcher: (ofAppliance: boolean) => Promise<AdminClient>;
  close: () => Promise<void>;
}

/** `store` is what {@link StageOptions.store} says. */
export async function openWorld({ store }: Pick<StageOptions, 'store'> = {}): Promise<ActingWorld> {
  const stage = await openStage({ kind: 'what AWS does at its worst is the matter of other tests', store });
  const management = await openManagement(stage.vaultContext);
  const hash = await hashPassword(password, 'test', passwordCost);
  const actorIds = new Map<AdminClient, string>();
  const person = async (vaultId: string, username: string, role: Role) => {
    const client = await addUser(management.place, vaultId, username, role);
    const { body } = await client.get('/session');
    const { id } = (body as { user: { id: string } }).user;
    actorIds.set(client, id);
    await stage.vaultContext.store.db
      .updateTable('users')
      .set({ password_hash: hash })
      .where('id', '=', id)
      .execute();
    return client;
  };
  const { vaultId } = stage;
  const name = () => `p-${randomUUID().slice(0, 8)}`;
  return {
    ...{ stage, management, actorIds, password: password.reveal() },
    providerInput: management.providerInput,
    boss: await person('', 'boss', 'appliance-admin'),
    admin: await person(vaultId, 'admin', 'vault-admin'),
    watcher: async (ofAppliance) =>
      person(ofAppliance ? '' : vaultId, name(), ofAppliance ? 'appliance-auditor' : 'auditor'),
    person: async () => person(vaultId, name(), 'vault-admin'),
    close: async () => {
      await management.close();
      await stage.dispose();
    },
  };
}

export type Case = OnRecord & { client: AdminClient };

export async function ask(
  route: Route,
  on: Case,
  headers: { ifMatch?: string; idempotencyKey?: string } = {},
): Promise<AdminAnswer> {
  const { client, body } = on;
  const expected = route.changes === true ? { ifMatch: '*' } : {};
  return client.request(route.method, pathOf(route, on), {
    ...(body === undefined ? {} : { body }),
    ...expected,
    ...headers,
  });
}

/** Which problem it is; undefined for none. */
export const kindOf = ({ body }: AdminAnswer): string | undefined =>
  (body as { type?: string } | undefined)?.type?.split(':').at(-1);

/** From a first password to a second factor, and no step is passed over. */
export async function signInByAllSteps(t: ExecutionContext, world: ActingWorld): Promise<void> {
  const { admin, boss, stage } = world;
  const { vaultId, clock } = stage;
  await boss.request('DELETE', '/mail', { ifMatch: '*' });
  const username = `s-${randomUUID().slice(0, 8)}`;
  const user = { username, email: 'x@example.com', role: 'auditor' };
  const { body } = await admin.post(`/vaults/${vaultId}/users`, user);
  const first = (body as { firstPassword: string }).firstPassword;
  const wrong = await admin
    .as(undefined)
    .post(`/vaults/${vaultId}/sessions`, { username, password: `${first}x` });
  t.is(kindOf(wrong), 'sign-in-refused');
  const begun = await admin.signIn({ username, password: first, vaultId });
  t.is(kindOf(await begun.get(`/vaults/${vaultId}`)), 'password-change-required');

  const own = `correct horse ${randomUUID()}`;
  const person = await admin.firstSignIn({ username, password: first, vaultId }, own);
  const enrolled = (await person.post('/user/totp', { password: own })).body as { otpauthUri: string };
  const secret = Secret.fromBase32(new URL(enrolled.otpauthUri).searchParams.get('secret') ?? '');
  const code = () => TOTP.generate({ secret, timestamp: stage.vaultContext.now().getTime() });
  t.is((await person.post('/user/totp/confirmation', { code: code() })).status, 200);
  clock.ahead += 60_000;
  const half = await admin.signIn({ username, password: own, vaultId });
  t.is(kindOf(await half.get(`/vaults/${vaultId}`)), 'second-factor-required');
  t.is(kindOf(await half.post('/session/second-factor', { code: 'AAAAAA' })), 'sign-in-refused');
  t.is((await half.post('/session/second-factor', { code: code() })).status, 200);
}
