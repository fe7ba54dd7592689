import { createHash, randomBytes, randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { aadForms, loadProfile } from '../../src/config/profile.ts';
import type { TokenRequest } from '../../src/token/messages.ts';
import { ownKeys, versionLabel } from '../../src/token/own-keys.ts';
import { tokenKinds, type TokenFixture } from '../../testing/tokens.ts';
import { inToken } from '../../testing/in-token.ts';
import { decryptOf, encryptOf, nothing, OpenPool, throwsFault } from './open-pool.ts';
import { labelled } from '../support/key-identity.ts';

interface Opened {
  fixture: TokenFixture;
  /** Two hosts: what one makes the other has to find. */
  open: OpenPool;
}

for (const { profile, create } of tokenKinds.filter(({ aesGcm }) => aesGcm)) {
  const opened = {} as Opened;
  const suite = (title: string, body: (t: ExecutionContext, open: OpenPool) => Promise<void>) =>
    test.serial(`${profile}: ${title}`, async (t) => {
      const before = opened.open.pids;
      await body(t, opened.open);
      t.deepEqual(opened.open.pids, before, 'the hosts live on');
    });

  test.before(`${profile}: two hosts start`, async (t) => {
    opened.fixture = await create();
    opened.open = new OpenPool(opened.fixture, { hosts: 2 });
    await opened.open.startInTurn();
    t.is(new Set(opened.open.pids).size, 2);
  });

  test.after.always(`${profile}: all is removed`, async () => {
    await opened.open.stop();
    await opened.fixture.dispose();
  });

  suite('our own keys are made by the first host that prepares, and only once', async (t, open) => {
    const labels = Object.values(ownKeys).map(({ label }) => label);
    const made = open.events.flatMap((event) => (event.kind === 'ready' ? [event.made] : []));
    t.deepEqual(made, [labels, []]);
    const again = await OpenPool.start(t, opened.fixture);
    t.deepEqual(
      again.events.flatMap((event) => (event.kind === 'ready' ? event.made : [])),
      [],
      'a second init makes none',
    );
    for (const { id, label } of Object.values(ownKeys))
      t.like(await open.call({ kind: 'inspectKey', key: id }), {
        label,
        compliant: true,
        generatedOnToken: true,
      });
  });

  suite(
    'a generated key reads back as asked, sensitive, not extractable, born in the token',
    async (t, open) => {
      for (const usage of [
        { encrypt: true, decrypt: true },
        { encrypt: true, decrypt: false },
        { encrypt: false, decrypt: true },
        { encrypt: false, decrypt: false },
      ]) {
        const label = `read back ${Number(usage.encrypt)}${Number(usage.decrypt)}`;
        const key = Buffer.from(label);
        const { proof, ...asMade } = await open.call({
          kind: 'generateKey',
          key,
          binding: Buffer.alloc(0),
          label,
          ...usage,
        });
        t.like(asMade, { label, ...usage, compliant: true, generatedOnToken: true, violations: [] });
        t.is(proof.length > 0, usage.encrypt && usage.decrypt, 'what may not decrypt can prove nothing');
        t.deepEqual(Buffer.from(asMade.id), key);
        t.deepEqual(await open.call({ kind: 'inspectKey', key }), asMade);
        const { modifiable: _told, ...found } = await open.call({ kind: 'findKey', label });
        t.deepEqual(found, { ...asMade, excess: [], lasting: [] });
      }
    },
  );

  suite('the token itself says so of every attribute, and gives the value to nobody', async (t, open) => {
    const key = await open.makeKey('attributes');
    const told = await inToken(opened.fixture, [{ do: 'attributes', id: key.toString('hex') }]);
    const notTold = loadProfile(profile).keys.not_told;
    t.deepEqual(told, [
      {
        CKA_TOKEN: true,
        CKA_PRIVATE: true,
        CKA_SENSITIVE: true,
        CKA_ALWAYS_SENSITIVE: true,
        CKA_EXTRACTABLE: false,
        CKA_NEVER_EXTRACTABLE: true,
        CKA_LOCAL: !notTold.includes('CKA_LOCAL'),
        CKA_MODIFIABLE: false,
        CKA_ENCRYPT: true,
        CKA_DECRYPT: true,
        CKA_SIGN: false,
        CKA_VERIFY: false,
        CKA_WRAP: false,
        CKA_UNWRAP: false,
        CKA_DERIVE: false,
        CKA_VALUE: 'CKR_ATTRIBUTE_SENSITIVE',
      },
    ]);
  });

  for (const aadForm of aadForms)
    suite(`what was encrypted with AAD in the form ${aadForm} decrypts, at every size`, async (t, open) => {
      const key = await open.makeKey(`sizes ${aadForm}`);
      for (const size of [1, 4300, 8192])
        for (const aadSize of [0, 8192, 65_535]) {
          const [plaintext, aad, metadata] = [randomBytes(size), randomBytes(aadSize), randomBytes(20)];
          const request = encryptOf(key, plaintext, { aadForm, aad, metadata, verify: true });
          const sealed = await open.call(request);
          t.is(sealed.ciphertext.length, size);
          t.is(sealed.tag.length, 16);
          t.is(sealed.encryptions, 1);
          t.deepEqual(
            Buffer.from(sealed.cdiv),
            createHash('sha256')
              .update(Buffer.concat([aad, metadata, sealed.iv, sealed.ciphertext, sealed.tag]))
              .digest(),
          );
          const { plaintext: result } = await open.call(decryptOf(request, sealed));
          t.deepEqual(Buffer.from(result), plaintext, `${size} bytes, AAD ${aadSize}`);
        }
    });

  suite('without verification there is no CDIV, and every encryption has another IV', async (t, open) => {
    const key = await open.makeKey('ivs');
    const ivs = new Set<string>();
    for (let i = 0; i < 600; i++) {
      const { iv, cdiv } = await open.call(encryptOf(key, Buffer.from('x')));
      t.is(cdiv.length, 0);
      ivs.add(Buffer.from(iv).toString('hex'));
    }
    t.is(ivs.size, 600);
  });

  suite('the two AAD forms do not open each other’s ciphertext', async (t, open) => {
    const key = await open.makeKey('forms');
    const request = encryptOf(key, randomBytes(32), { aad: randomBytes(32) });
    const sealed = await open.call(request);
    await throwsFault(t, 'bad-ciphertext', open.call(decryptOf({ ...request, aadForm: 'sha256' }, sealed)));
  });

  suite('altered tag, IV, AAD, metadata, ciphertext or key is bad ciphertext', async (t, open) => {
    const key = await open.makeKey('altered');
    const other = await open.makeKey('altered other');
    const request = encryptOf(key, randomBytes(48), { aad: randomBytes(9), metadata: randomBytes(6) });
    const sealed = await open.call(request);
    const good = decryptOf(request, sealed);
    for (const field of ['tag', 'iv', 'aad', 'metadata', 'ciphertext'] as const) {
      const altered = Buffer.from(good[field]);
      altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 0x80;
      await throwsFault(t, 'bad-ciphertext', open.call({ ...good, [field]: altered }), field);
    }
    await throwsFault(t, 'bad-ciphertext', open.call({ ...good, key: other }), 'key');
    const moved = {
      ...good,
      aad: good.aad.subarray(0, 8),
      metadata: Buffer.concat([good.aad.subarray(8), good.metadata]),
    };
    await throwsFault(t, 'bad-ciphertext', open.call(moved), 'a byte moved from the AAD to the metadata');
    const shorter = { ...good, ciphertext: good.ciphertext.subarray(1) };
    await throwsFault(t, 'bad-ciphertext', open.call(shorter), 'a shorter ciphertext');
    await throwsFault(t, 'bad-ciphertext', open.call({ ...good, iv: randomBytes(16) }), 'a longer IV');
    t.deepEqual(Buffer.from((await open.call(good)).plaintext), Buffer.from(request.plaintext));
  });

  suite('a key refuses what its usage does not permit', async (t, open) => {
    const data = randomBytes(20);
    const encryptOnly = await open.makeKey('encrypt only', { encrypt: true, decrypt: false });
    const decryptOnly = await open.makeKey('decrypt only', { encrypt: false, decrypt: true });
    const neither = await open.makeKey('neither', { encrypt: false, decrypt: false });
    const sealed = await open.call(encryptOf(encryptOnly, data));
    for (const key of [encryptOnly, neither])
      await throwsFault(t, 'usage-refused', open.call(decryptOf(encryptOf(key, data), sealed)));
    for (const key of [decryptOnly, neither])
      await throwsFault(t, 'usage-refused', open.call(encryptOf(key, data)));
    const verified = open.call(encryptOf(encryptOnly, data, { verify: true }));
    await throwsFault(t, 'usage-refused', verified, 'verification needs a decrypt');
  });

  suite('a key made by one host is found by another that runs already', async (t, open) => {
    const key = await open.makeKey('found by all');
    const request = encryptOf(key, randomBytes(100));
    const answered = new Set<number>();
    while (answered.size < 2) {
      const sealed = await open.call(request);
      const together = await Promise.all(
        Array.from({ length: 8 }, async () => open.callAt(decryptOf(request, sealed))),
      );
      for (const { host, value } of together) {
        answered.add(host);
        t.deepEqual(Buffer.from(value.plaintext), Buffer.from(request.plaintext));
      }
    }
    t.pass();
  });

  suite(
    'a destroyed key is missing for every host, and destroying it again does no harm',
    async (t, open) => {
      const key = await open.makeKey('destroyed');
      const request = encryptOf(key, randomBytes(100));
      const sealed = await open.call(request);
      // Both hosts have used it, and so know its handle.
      await Promise.all(Array.from({ length: 16 }, async () => open.call(decryptOf(request, sealed))));
      t.deepEqual(await open.call({ kind: 'destroyKey', key, identity: labelled('destroyed') }), {
        destroyed: 1,
      });
      const uses = Array.from({ length: 16 }, async () =>
        throwsFault(t, 'key-missing', open.call(decryptOf(request, sealed))),
      );
      await Promise.all(uses);
      await throwsFault(t, 'key-missing', open.call(request));
      await throwsFault(t, 'key-missing', open.call({ kind: 'inspectKey', key }));
      await throwsFault(t, 'key-missing', open.call({ kind: 'findKey', label: 'destroyed' }));
      t.deepEqual(await open.call({ kind: 'destroyKey', key, identity: labelled('destroyed') }), {
        destroyed: 0,
      });
    },
  );

  suite('an id is given to one key only', async (t, open) => {
    const key = await open.makeKey('only once');
    const request = encryptOf(key, randomBytes(10));
    const sealed = await open.call(request);
    const again = open.call({
      kind: 'generateKey',
      key,
      binding: Buffer.alloc(0),
      label: 'again',
      encrypt: true,
      decrypt: true,
    });
    await throwsFault(t, 'key-duplicate', again);
    t.is((await open.call({ kind: 'inspectKey', key })).label, 'only once');
    t.deepEqual(
      Buffer.from((await open.call(decryptOf(request, sealed))).plaintext),
      Buffer.from(request.plaintext),
    );
  });

  // NSS softokn overwrites a key whose CKA_ID is used again: it cannot hold two (see its profile).
  if (profile === 'softhsm2')
    suite('two keys with one id are refused; those of an id of ours can be destroyed', async (t, open) => {
      const key = randomBytes(20);
      const label = versionLabel(randomUUID(), 'twice', 1);
      await inToken(opened.fixture, [
        { do: 'generate', id: key.toString('hex'), label },
        { do: 'generate', id: key.toString('hex'), label },
      ]);
      await throwsFault(t, 'key-duplicate', open.call(encryptOf(key, nothing)));
      await throwsFault(t, 'key-duplicate', open.call({ kind: 'inspectKey', key }));
      t.deepEqual(await open.call({ kind: 'destroyKey', key, identity: labelled(label) }), { destroyed: 2 });
      await throwsFault(t, 'key-missing', open.call({ kind: 'inspectKey', key }));

      // Of another maker's id one of two may be somebody else's.
      const foreign = Buffer.from('twice');
      await inToken(opened.fixture, [
        { do: 'generate', id: foreign.toString('hex'), label: 'three' },
        { do: 'generate', id: foreign.toString('hex'), label: 'four' },
      ]);
      await throwsFault(
        t,
        'key-duplicate',
        open.call({ kind: 'destroyKey', key: foreign, identity: labelled('three') }),
      );
    });

  suite('a key that was not made as ours are is told by its complaints', async (t, open) => {
    const key = Buffer.from('foreign');
    await inToken(opened.fixture, [
      { do: 'generate', id: key.toString('hex'), label: 'foreign', extractable: true },
    ]);
    const attributes = await open.call({ kind: 'findKey', label: 'foreign' });
    t.false(attributes.compliant);
    t.true(attributes.violations.includes('CKA_EXTRACTABLE'), attributes.violations.join());
    t.true(attributes.violations.includes('CKA_NEVER_EXTRACTABLE'), attributes.violations.join());
  });

  suite('a key of our own is used for nothing but what it is for, whoever asks', async (t, open) => {
    for (const { id, label } of Object.values(ownKeys)) {
      const encrypt = encryptOf(id, Buffer.from('data'));
      const sealed = {
        iv: Buffer.alloc(12, 1),
        ciphertext: Buffer.from('data'),
        tag: Buffer.alloc(16),
        cdiv: nothing,
      };
      for (const request of [
        encrypt,
        decryptOf(encrypt, { ...sealed, encryptions: 1 }),
        { kind: 'destroyKey', key: id, identity: Buffer.alloc(0) },
        { kind: 'generateKey', key: id, binding: Buffer.alloc(0), label, encrypt: true, decrypt: true },
      ] satisfies TokenRequest[])
        await throwsFault(t, 'key-unfit', open.call(request), `${label} ${request.kind}`);
    }
  });

  suite('a sealed secret opens for its own record only', async (t, open) => {
    for (const secret of [Buffer.from('s'), randomBytes(64), randomBytes(4096)]) {
      const { sealed } = await open.call({ kind: 'seal', context: Buffer.from('credential:1'), secret });
      if (secret.length > 8) t.false(Buffer.from(sealed).includes(secret));
      const { secret: revealed } = await open.call({
        kind: 'unseal',
        context: Buffer.from('credential:1'),
        former: '',
        sealed,
      });
      t.deepEqual(Buffer.from(revealed), secret);
      const other = open.call({ kind: 'unseal', context: Buffer.from('credential:2'), former: '', sealed });
      await throwsFault(t, 'seal-broken', other);
    }
  });

  suite('a sealed secret with any byte altered or missing is broken', async (t, open) => {
    const context = Buffer.from('record');
    const { sealed } = await open.call({ kind: 'seal', context, secret: Buffer.from('secret') });
    for (let at = 0; at < sealed.length; at++) {
      const altered = Buffer.from(sealed);
      altered[at] = (altered[at] ?? 0) ^ 0x01;
      await throwsFault(
        t,
        'seal-broken',
        open.call({ kind: 'unseal', context, former: '', sealed: altered }),
        `${at}`,
      );
      const cut = open.call({ kind: 'unseal', context, former: '', sealed: sealed.subarray(0, at) });
      await throwsFault(t, 'seal-broken', cut, `cut at ${at}`);
    }
  });
}
