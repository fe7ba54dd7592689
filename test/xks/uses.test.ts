import { randomBytes } from 'node:crypto';
import test from 'ava';
import { useWholeNode, clientOf } from './file-node.ts';
import { waitUntil } from '../support/steady-load.ts';

const file = useWholeNode({ workers: 2 });

interface Use {
  kind: string;
  count: number;
  last_at: string;
  last_address: string;
}

/** What the store tells of the key and of a credential. */
async function usesOf(key: string, accessKeyId: string): Promise<Record<string, Use>> {
  return file().node.withStore(async (vault) => {
    const { id } = await vault.key(key);
    const rows = await vault.vaultContext.store.db
      .selectFrom('uses')
      .select(['kind', 'count', 'last_at', 'last_address'])
      .where('id', 'in', [id, accessKeyId])
      .execute();
    return Object.fromEntries(rows.map((row) => [row.kind, row]));
  });
}

test.serial(
  'uses of keys and credentials are written within seconds, and the rest when the node ends: none is lost',
  async (t) => {
    const { node, client, access, key } = file();
    const began = new Date().toISOString();
    const made = (await client.encrypt(key, 'x')).body;
    let written: Record<string, Use> = {};
    // That of the credential is noted before the key is used: what was gathered may be written in between.
    const both = ['credential', 'encrypt'];
    await waitUntil(
      async () => {
        written = await usesOf(key, access.accessKeyId);
        return both.every((kind) => written[kind] !== undefined);
      },
      20_000,
      100,
    );
    t.is(written['encrypt']?.count, 1);
    t.is(written['credential']?.last_address, '127.0.0.1');
    t.true(String(written['credential']?.last_at) >= began);

    const many = clientOf(node, access, { maxSockets: 16 });
    await Promise.all(Array.from({ length: 60 }, async () => many.encrypt(key, 'x')));
    await Promise.all(Array.from({ length: 40 }, async () => many.decrypt(key, made)));
    // Requests that fail are no uses of the key; nor is what is not authenticated one of the credential.
    await many.decrypt(key, { ...made, authenticationTag: randomBytes(16).toString('base64') });
    await many.metadata(key);
    const forged = clientOf(node, { ...access, secretAccessKey: randomBytes(32).toString('base64') });
    for (let i = 0; i < 5; i++) t.is((await forged.encrypt(key, 'x')).status, 401);
    many.close();
    forged.close();
    const ended = new Date().toISOString();
    t.is(await node.stop(), 0);
    const { encrypt, decrypt, credential } = await usesOf(key, access.accessKeyId);
    t.is(encrypt?.count, 61);
    t.is(decrypt?.count, 40);
    t.is(credential?.count, 103);
    t.true(
      String(credential?.last_at) <= ended &&
        String(credential?.last_at) > String(written['credential']?.last_at),
    );
  },
);
