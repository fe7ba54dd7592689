import test from 'ava';
import { KmsKeyMemory } from '../../src/cloud/aws/kms-key-memory.ts';

/** A memory, and an AWS that counts what it is asked for. */
function stage() {
  const memory = new KmsKeyMemory();
  const asked = { pages: 0, keys: 0 };
  const page = async (looker: string, freshness = 60_000) =>
    memory.page('', { looker, freshness }, async () => ({
      keyIds: [`of page ${++asked.pages}`],
      next: undefined,
    }));
  const key = async (keyId: string, isShown: boolean | 'denied' = true, looker = 'one') =>
    memory.facts(keyId, looker, async () => {
      asked.keys++;
      const facts = { keyId, arn: `arn ${keyId}`, customKeyStoreId: 'cks-1', xksKeyId: 'external' };
      if (isShown === 'denied') return isShown;
      return isShown ? { ...facts, state: 'Enabled' } : undefined;
    });
  return { memory, asked, page, key };
}

test('of a hundred that look at the same time a page of KMS keys is fetched once', async (t) => {
  const { asked, page } = stage();
  const pages = await Promise.all(Array.from({ length: 100 }, async (_, looker) => page(`${looker}`)));
  t.deepEqual(new Set(pages.flatMap(({ keyIds }) => keyIds)), new Set(['of page 1']));
  t.is(asked.pages, 1);
});

test('nobody is shown a page twice, nor one from before what they look for was made', async (t) => {
  const { page } = stage();
  t.deepEqual((await page('one')).keyIds, ['of page 1']);
  t.deepEqual((await page('one')).keyIds, ['of page 2']);
  t.deepEqual((await page('another')).keyIds, ['of page 2']);
  t.deepEqual((await page('a third', 0)).keyIds, ['of page 3']);
});

test('a page that could not be fetched is fetched again', async (t) => {
  const { memory, page } = stage();
  const looker = { looker: 'one', freshness: 60_000 };
  const failing = async () => Promise.reject(new Error('throttled'));
  await t.throwsAsync(memory.page('', looker, failing), { message: 'throttled' });
  t.deepEqual((await page('another')).keyIds, ['of page 1']);
});

test('what never changes of a KMS key is asked once; of one that does not show, again', async (t) => {
  const { asked, key } = stage();
  t.is(await key('hidden', false), undefined);
  t.truthy(await key('hidden'));
  for (let times = 0; times < 3; times++)
    t.deepEqual(await key('hidden'), {
      keyId: 'hidden',
      arn: 'arn hidden',
      customKeyStoreId: 'cks-1',
      xksKeyId: 'external',
    });
  t.is(asked.keys, 2);
});

test('a key that AWS hides is asked for once by all who look, and anew by who looks again', async (t) => {
  const { asked, key } = stage();
  for (let looker = 0; looker < 100; looker++) t.is(await key('hidden', 'denied', `${looker}`), undefined);
  t.is(asked.keys, 1);
  // Its policy was changed, and somebody has the KMS key record tried again.
  t.truthy(await key('hidden', true, '7'));
  t.is(asked.keys, 2);
  t.truthy(await key('hidden', 'denied', '8'));
  t.is(asked.keys, 2);
});

test('a key that is not found is asked for by each: AWS may not show it yet', async (t) => {
  const { asked, key } = stage();
  for (let looker = 0; looker < 3; looker++) t.is(await key('new', false, `${looker}`), undefined);
  t.is(asked.keys, 3);
});
