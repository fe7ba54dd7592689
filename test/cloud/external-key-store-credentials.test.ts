import { credentialsAround } from '../../src/keys/credentials/credential-records.ts';
import anyTest, { type TestFn } from 'ava';
import {
  CreateCustomKeyStoreCommand,
  CreateKeyCommand,
  DecryptCommand,
  EncryptCommand,
  KMSClient,
  UpdateCustomKeyStoreCommand,
} from '@aws-sdk/client-kms';
import { Secret } from '../../src/secret.ts';
import { createCloudKey } from '../../src/keys/cloud-keys.ts';
import {
  getCredential,
  issueCredential,
  rotateCredential,
  withdrawCredential,
} from '../../src/keys/credentials/credentials.ts';
import { updateCspAccount } from '../../src/cloud/accounts/accounts.ts';
import { retireCredentials } from '../../src/schedules/expirations.ts';
import { givenByHand } from '../../src/cloud/key-stores/by-hand.ts';
import { consoleOf, rotateByHand } from '../../src/cloud/key-stores/console.ts';
import { updateExternalKeyStore } from '../../src/cloud/key-stores/edits.ts';
import { findCandidates, linkExternalKeyStore } from '../../src/cloud/key-stores/links.ts';
import { viewsOf } from '../../src/cloud/key-stores/view.ts';
import { refreshExternalKeyStore } from '../../src/cloud/key-stores/watch.ts';
import {
  connectExternalKeyStore,
  createExternalKeyStore,
  deleteExternalKeyStore,
  rotateStoreCredential,
} from '../../src/cloud/key-stores/key-stores.ts';
import type { KeySet } from '../../src/keys/key-sets/key-sets.ts';
import { fresh, insertGroup, insertVault } from '../../testing/vault.ts';
import {
  endpoint,
  inAws,
  liveCredentials,
  newConnected,
  newKeySetInAws,
  openStage,
  region,
  storeOf,
  type KeySetInAws,
  type Stage,
} from '../../testing/external-key-store-stage.ts';

const test = anyTest as TestFn<Stage>;

test.before(async (t) => {
  t.context = await openStage({
    kind: 'the order in which AWS and the proxy learn of a credential is what is tested',
  });
});
test.after.always(async (t) => t.context.dispose());

function sdk({ simulator }: Stage, { account }: Pick<KeySetInAws, 'account'>, where = region): KMSClient {
  return new KMSClient({
    endpoint: simulator.url,
    region: where,
    credentials: { accessKeyId: account.accessKeyId, secretAccessKey: account.secretAccessKey },
    maxAttempts: 1,
    requestHandler: { httpsAgent: { ca: simulator.ca } },
  });
}

/** Waits until the worker has written that the credential was used, which it does every few seconds. */
async function seen({ vaultContext }: Stage, keySet: KeySet, accessKeyId: string): Promise<void> {
  const until = Date.now() + 30_000;
  while ((await getCredential(vaultContext, keySet, accessKeyId)).last_seen_at === null) {
    if (Date.now() > until) throw new Error('it was not used');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** As old as so many minutes ago in the uses, for what has been seen. */
async function seenAgo({ vaultContext }: Stage, accessKeyId: string, minutes: number): Promise<void> {
  await vaultContext.store.db
    .updateTable('uses')
    .set({ last_at: new Date(vaultContext.now().getTime() - minutes * 60_000).toISOString() })
    .where('id', '=', accessKeyId)
    .execute();
}

test.serial(
  'under traffic AWS moves to a new credential, and the old one retires only once it is quiet',
  async (t) => {
    const { vaultContext, act, simulator, clock } = t.context;
    const made = await newConnected(t.context);
    const { keySet, store } = made;
    const kms = sdk(t.context, made);
    const cloudKey = await createCloudKey(vaultContext, act(), keySet.vault_id, 'all', {
      name: fresh('key'),
      keySetId: keySet.id,
      kmsKey: false,
    });
    const { KeyMetadata } = await kms.send(
      new CreateKeyCommand({
        Origin: 'EXTERNAL_KEY_STORE',
        CustomKeyStoreId: store.custom_key_store_id,
        XksKeyId: cloudKey.external_key_id,
      }),
    );
    const KeyId = KeyMetadata?.KeyId;
    let served = 0;
    const serve = async () => {
      const { CiphertextBlob } = await kms.send(
        new EncryptCommand({ KeyId, Plaintext: Buffer.from('salary') }),
      );
      const { Plaintext } = await kms.send(new DecryptCommand({ KeyId, CiphertextBlob }));
      t.is(Buffer.from(Plaintext ?? []).toString(), 'salary');
      served++;
    };
    await serve();
    // AWS's hosts do not all have the new one at once.
    simulator.kms.slowUpdates(true);
    t.teardown(() => simulator.kms.slowUpdates(false));
    const rotating = new AbortController();
    const traffic = (async () => {
      do await serve();
      while (!rotating.signal.aborted);
      for (let more = 0; more < 4; more++) await serve();
    })();
    const rotated = await rotateStoreCredential(vaultContext, act(), { keySet, id: store.id }, 60);
    rotating.abort();
    await traffic;
    t.true(served > 5);
    const [old, now] = [store.access_key_id, rotated.access_key_id];
    t.not(old, now);
    t.like(rotated, { pending_access_key_id: '', wanted: null, state: 'CONNECTED' });
    t.is((await inAws(t.context, made))[0]?.accessKeyId, now);
    await Promise.all([seen(t.context, keySet, old), seen(t.context, keySet, now)]);
    const [view] = await viewsOf(vaultContext, keySet, [rotated]);
    t.deepEqual(
      view?.credentials.map(({ accessKeyId, role, state }) => ({ accessKeyId, role, state })),
      [
        { accessKeyId: now, role: 'CURRENT', state: 'LIVE' },
        { accessKeyId: old, role: 'OLD', state: 'LIVE' },
      ],
    );
    t.true(view?.credentials.every(({ lastSeenAt }) => lastSeenAt !== null));

    const ages = new Date(0);
    clock.ahead += 30 * 60_000;
    t.is(await retireCredentials(vaultContext, ages), 0, 'half an hour is not quiet enough');
    simulator.kms.spread(store.custom_key_store_id);
    clock.ahead += 60 * 60_000;
    t.is(await retireCredentials(vaultContext, ages), 1);
    t.like(await getCredential(vaultContext, keySet, old), { withdrawn_why: 'RETIRED' });
    await serve();
  },
);

test.serial(
  'a credential that another Region has too is never retired, nor withdrawn with one of them',
  async (t) => {
    const { vaultContext, act, clock } = t.context;
    const made = await newKeySetInAws(t.context);
    const { keySet } = made;
    const shared = await issueCredential(vaultContext, act(), keySet);
    const create = async (where: string) =>
      (
        await sdk(t.context, made, where).send(
          new CreateCustomKeyStoreCommand({
            CustomKeyStoreName: 'by hand',
            CustomKeyStoreType: 'EXTERNAL_KEY_STORE',
            XksProxyConnectivity: 'PUBLIC_ENDPOINT',
            XksProxyUriEndpoint: endpoint,
            XksProxyUriPath: `/${keySet.path_prefix}/kms/xks/v1`,
            XksProxyAuthenticationCredential: {
              AccessKeyId: shared.accessKeyId,
              RawSecretAccessKey: shared.secret.reveal(),
            },
          }),
        )
      ).CustomKeyStoreId ?? '';
    const link = async (where: string) =>
      linkExternalKeyStore(vaultContext, act(), keySet, {
        region: where,
        customKeyStoreId: await create(where),
      });
    const first = await link(region);
    const second = await link('eu-west-1');
    t.is(second.access_key_id, first.access_key_id);

    const moved = await rotateStoreCredential(vaultContext, act(), { keySet, id: first.id }, 1);
    t.is(
      (await getCredential(vaultContext, keySet, shared.accessKeyId)).successor,
      null,
      'the other Region has it',
    );
    // Even where somebody rotates it by hand.
    const next = await rotateCredential(
      vaultContext,
      act(),
      keySet,
      { accessKeyId: shared.accessKeyId },
      {
        retireAfterQuietMinutes: 1,
      },
    );
    const both = [shared.accessKeyId, next.accessKeyId];
    const around = await credentialsAround(vaultContext, both);
    t.deepEqual(around.map(({ access_key_id: id }) => id).toSorted(), both.toSorted(), 'each once');
    await vaultContext.store.db
      .insertInto('uses')
      .values({
        kind: 'credential',
        id: next.accessKeyId,
        count: 1,
        last_at: new Date().toISOString(),
        last_address: '',
      })
      .execute();
    clock.ahead += 3 * 60 * 60_000;
    t.is(await retireCredentials(vaultContext, new Date(0)), 0);
    t.true((await liveCredentials(t.context, keySet)).includes(shared.accessKeyId));

    // What another key set's AWS account says it was given holds nothing up here.
    const foreign = (await newKeySetInAws(t.context)).keySet;
    const theirs = { key_set_id: foreign.id };
    await vaultContext.store.db
      .updateTable('external_key_stores')
      .set(theirs)
      .where('id', '=', second.id)
      .execute();
    t.is(await retireCredentials(vaultContext, new Date(0)), 1);
    await vaultContext.store.db
      .updateTable('xks_credentials')
      .set({ withdrawn_at: null, withdrawn_why: null })
      .where('access_key_id', '=', shared.accessKeyId)
      .execute();
    const ours = { key_set_id: keySet.id };
    await vaultContext.store.db
      .updateTable('external_key_stores')
      .set(ours)
      .where('id', '=', second.id)
      .execute();

    await rotateStoreCredential(vaultContext, act(), { keySet, id: second.id }, 1);
    t.is(await retireCredentials(vaultContext, new Date(0)), 0, 'the successor that it has now was not seen');
    t.truthy(moved.access_key_id);
  },
);

test.serial(
  'one that was made in AWS by hand is found by path, endpoint and credential, and linked',
  async (t) => {
    const { vaultContext, act } = t.context;
    const made = await newKeySetInAws(t.context);
    const { keySet } = made;
    const others = await newKeySetInAws(t.context, { account: made.account });
    const foreign = await createExternalKeyStore(vaultContext, act(), others.keySet, {
      region,
      connectivity: 'PUBLIC_ENDPOINT',
      uriEndpoint: endpoint,
    });
    const { accessKeyId, secret } = await issueCredential(vaultContext, act(), keySet);
    const { CustomKeyStoreId: id = '' } = await sdk(t.context, made).send(
      new CreateCustomKeyStoreCommand({
        CustomKeyStoreName: 'Made by hand',
        CustomKeyStoreType: 'EXTERNAL_KEY_STORE',
        XksProxyConnectivity: 'PUBLIC_ENDPOINT',
        XksProxyUriEndpoint: endpoint,
        XksProxyUriPath: `/${keySet.path_prefix}/kms/xks/v1`,
        XksProxyAuthenticationCredential: { AccessKeyId: accessKeyId, RawSecretAccessKey: secret.reveal() },
      }),
    );
    const candidates = await findCandidates(vaultContext, keySet, region);
    t.deepEqual(
      candidates
        .map(({ id, matches, fits, linkedAs }) => ({ id, matches, fits, linkedAs }))
        .toSorted((a, b) => Number(b.fits) - Number(a.fits)),
      [
        { id, matches: ['PATH', 'ENDPOINT', 'CREDENTIAL'], fits: true, linkedAs: null },
        { id: foreign.custom_key_store_id, matches: ['ENDPOINT'], fits: false, linkedAs: foreign.id },
      ],
    );
    await t.throwsAsync(
      linkExternalKeyStore(vaultContext, act(), keySet, {
        region,
        customKeyStoreId: foreign.custom_key_store_id,
      }),
      { message: /the path of another key set/ },
    );
    await t.throwsAsync(
      linkExternalKeyStore(vaultContext, act(), keySet, {
        region,
        customKeyStoreId: 'cks-0000000000000000a',
      }),
      { message: /no external key store of this id/ },
    );
    const linked = await linkExternalKeyStore(vaultContext, act(), keySet, { region, customKeyStoreId: id });
    t.like(linked, {
      origin: 'LINKED',
      name: 'Made by hand',
      access_key_id: accessKeyId,
      state: 'DISCONNECTED',
    });
    await t.throwsAsync(linkExternalKeyStore(vaultContext, act(), keySet, { region, customKeyStoreId: id }), {
      message: /in this Region already/,
    });
    await withdrawCredential(vaultContext, act(), keySet, { accessKeyId });
    const [view] = await viewsOf(vaultContext, keySet, [linked]);
    t.deepEqual(
      view?.warnings.map(({ code }) => code),
      ['CREDENTIAL_NOT_LIVE'],
    );
    // What Holdfast did not issue for it alone is not withdrawn when it goes.
    const rotated = await rotateStoreCredential(vaultContext, act(), { keySet, id: linked.id }, 60);
    await deleteExternalKeyStore(vaultContext, act(), { keySet, id: linked.id }, {});
    t.deepEqual(await liveCredentials(t.context, keySet), [rotated.access_key_id]);
  },
);

test.serial(
  'by hand: everything to enter, the file and the command of AWS; id, states and credentials as told and seen',
  async (t) => {
    const { vaultContext, act, vaultId, simulator } = t.context;
    const account = simulator.account();
    const made = await newKeySetInAws(t.context, {
      account,
      csp: { type: 'manual', accessKeyId: undefined, secretAccessKey: undefined },
    });
    const { keySet, cspAccountId } = made;
    const input = { region, connectivity: 'PUBLIC_ENDPOINT' as const, uriEndpoint: endpoint };
    await t.throwsAsync(createExternalKeyStore(vaultContext, act(), keySet, { ...input, make: true }), {
      message: /no CSP account with which Holdfast signs in/,
    });
    const store = await createExternalKeyStore(vaultContext, act(), keySet, input);
    t.like(store, { origin: 'MANUAL', state: 'UNKNOWN', custom_key_store_id: '' });
    const on = { keySet, id: store.id };
    await t.throwsAsync(givenByHand(vaultContext, act(), on, 60), { message: /no new credential waits/ });
    await t.throwsAsync(connectExternalKeyStore(vaultContext, act(), on), { message: /managed manually/ });

    const byHand = await consoleOf(vaultContext, act(), on, undefined);
    t.is(byHand.url, 'https://console.aws.amazon.com/kms/home?region=eu-central-1');
    t.deepEqual(
      byHand.fields.map(({ label, value }) => [label, value]),
      [
        ['Key store name', keySet.name],
        ['Proxy connectivity', 'Public endpoint'],
        ['Proxy URI endpoint', endpoint],
        ['Proxy URI path prefix', keySet.path_prefix],
        ['Proxy credential: Access key ID', byHand.secret?.accessKeyId],
      ],
    );
    t.is(byHand.secret?.consoleFile.XksProxyUriPath, `/${keySet.path_prefix}/kms/xks/v1`);
    t.notRegex(
      `${byHand.command} ${JSON.stringify(byHand.fields)} ${byHand.steps.join(' ')}`,
      new RegExp(
        byHand.secret?.consoleFile.XksProxyAuthenticationCredential.RawSecretAccessKey.slice(
          0,
          20,
        ).replaceAll(/[+/]/g, '.') ?? '?',
      ),
      'the secret is in the file alone',
    );
    t.regex(byHand.command, /--cli-input-json file:\/\/create-external-key-store\.json$/);
    t.is(
      (await consoleOf(vaultContext, act(), on, undefined)).secret?.accessKeyId ===
        byHand.secret?.accessKeyId,
      false,
    );
    const again = await consoleOf(vaultContext, act(), on, false);
    t.is(again.secret, undefined);

    // The request is what AWS takes.
    const last = await consoleOf(vaultContext, act(), on, true);
    const { CustomKeyStoreId: id = '' } = await sdk(t.context, made).send(
      new CreateCustomKeyStoreCommand(last.secret?.request as never),
    );
    const linked = await linkExternalKeyStore(vaultContext, act(), keySet, { region, customKeyStoreId: id });
    t.like(linked, { id: store.id, origin: 'MANUAL', custom_key_store_id: id });
    const told = await updateExternalKeyStore(vaultContext, act(), on, {
      state: 'FAILED',
      connectionError: 'XKS_PROXY_TIMED_OUT',
    });
    t.like(told, { state: 'FAILED', connection_error: 'XKS_PROXY_TIMED_OUT' });
    await t.throwsAsync(
      updateExternalKeyStore(vaultContext, act(), on, { connectionError: 'XKS_PROXY_TIMED_OUT' }),
      {
        message: /goes with the state FAILED/,
      },
    );
    t.like(await updateExternalKeyStore(vaultContext, act(), on, { state: 'CONNECTED' }), {
      state: 'CONNECTED',
      connection_error: '',
    });
    // J4: linked once more, without a word of its name or how it is reached: that stays.
    await updateExternalKeyStore(vaultContext, act(), on, { name: 'told by hand' });
    t.like(await linkExternalKeyStore(vaultContext, act(), keySet, { region, customKeyStoreId: id }), {
      ...{ id: store.id, name: 'told by hand', uri_endpoint: endpoint, state: 'CONNECTED' },
    });
    await seen(t.context, keySet, last.secret?.accessKeyId ?? '');
    const current = await refreshExternalKeyStore(vaultContext, act(), on);
    t.like(current, { access_key_id: last.secret?.accessKeyId, pending_access_key_id: '' }, 'AWS tried it');

    const next = await rotateByHand(vaultContext, act(), on);
    t.is((await storeOf(t.context, keySet))?.pending_access_key_id, next.secret?.accessKeyId);
    await sdk(t.context, made).send(new UpdateCustomKeyStoreCommand(next.secret?.request as never));
    const done = await givenByHand(vaultContext, act(), on, 60);
    t.like(done, { access_key_id: next.secret?.accessKeyId, pending_access_key_id: '' });
    t.like(await getCredential(vaultContext, keySet, last.secret?.accessKeyId ?? ''), {
      successor: next.secret?.accessKeyId,
      retire_after_minutes: 60,
    });
    // Told a second time, or after AWS itself has shown it: nothing changes.
    t.deepEqual(await givenByHand(vaultContext, act(), on, 60), done);

    // Once Holdfast signs in there it takes over.
    await updateCspAccount(
      vaultContext,
      act(),
      { vaultId, sight: 'all', id: cspAccountId },
      {
        type: 'access-key',
        accessKeyId: account.accessKeyId,
        secretAccessKey: new Secret(account.secretAccessKey),
      },
    );
    const taken = await linkExternalKeyStore(vaultContext, act(), keySet, { region, customKeyStoreId: id });
    t.like(taken, {
      id: store.id,
      origin: 'LINKED',
      state: 'DISCONNECTED',
      access_key_id: next.secret?.accessKeyId,
    });
    t.is((await connectExternalKeyStore(vaultContext, act(), on)).state, 'CONNECTING');
    await seenAgo(t.context, next.secret?.accessKeyId ?? '', 1);
  },
);

test.serial(
  'what another vault says of an id does not keep a vault from linking its key store',
  async (t) => {
    const { vaultContext, act } = t.context;
    const mine = await newConnected(t.context);
    const id = mine.store.custom_key_store_id;
    const vault = await insertVault(vaultContext.store, fresh('vault'));
    const group = await insertGroup(vaultContext.store, vault.id, 'Cloud Admin Group');
    const theirs = await newKeySetInAws(
      { ...t.context, vaultId: vault.id, group },
      { csp: { type: 'manual', accessKeyId: undefined, secretAccessKey: undefined } },
    );
    const told = { region, customKeyStoreId: id, uriEndpoint: endpoint };
    // Neither told that it is another's, nor able to keep it from them.
    t.is((await linkExternalKeyStore(vaultContext, act(), theirs.keySet, told)).origin, 'MANUAL');
    await deleteExternalKeyStore(
      vaultContext,
      act(),
      { keySet: mine.keySet, id: mine.store.id },
      { forget: true },
    );
    const linked = await linkExternalKeyStore(vaultContext, act(), mine.keySet, {
      region,
      customKeyStoreId: id,
    });
    t.like(linked, { origin: 'LINKED', custom_key_store_id: id });
  },
);

test.serial(
  'an update that AWS refuses does not withdraw a credential that it may have been given before',
  async (t) => {
    const { vaultContext, act, simulator } = t.context;
    const made = await newConnected(t.context);
    const { keySet } = made;
    const on = { keySet, id: made.store.id };
    // AWS has not answered, and does not show it yet.
    simulator.fault({ service: 'kms', action: 'UpdateCustomKeyStore', kind: 'reset', times: 1 });
    await t.throwsAsync(rotateStoreCredential(vaultContext, act(), on, 60));
    await connectExternalKeyStore(vaultContext, act(), on);
    const { pending_access_key_id: pending = '' } = (await storeOf(t.context, keySet)) ?? {};
    t.not(pending, '');
    simulator.fault({ service: 'kms', action: 'UpdateCustomKeyStore', kind: 'denied', times: 1 });
    await t.throwsAsync(updateExternalKeyStore(vaultContext, act(), on, { name: fresh('name') }));
    t.true((await liveCredentials(t.context, keySet)).includes(pending));
  },
);

test.serial('without a prefix the path alone makes no candidate', async (t) => {
  const { vaultContext, act } = t.context;
  const made = await newKeySetInAws(t.context, { pathPrefix: '' });
  const other = await newKeySetInAws(t.context, { account: made.account, pathPrefix: '' });
  const store = await createExternalKeyStore(vaultContext, act(), other.keySet, {
    region,
    connectivity: 'PUBLIC_ENDPOINT',
    uriEndpoint: endpoint,
  });
  await vaultContext.store.db
    .updateTable('external_key_stores')
    .set({ uri_endpoint: 'https://else.example.test' })
    .execute();
  t.deepEqual(await findCandidates(vaultContext, made.keySet, region), []);
  await withdrawCredential(vaultContext, act(), other.keySet, { accessKeyId: store.access_key_id });
});
