import test from 'ava';
import { Remembered } from '../../src/vault/remembered.ts';

test('beyond the bound one goes for each that comes, and none that was asked for lately', async (t) => {
  const remembered = new Remembered<string>(100, 10);
  let looked = 0;
  const get = async (name: string) =>
    remembered.get(name, async () => {
      looked++;
      return Promise.resolve(name);
    });
  for (let n = 0; n < 100; n++) await get(`key-${n}`);
  t.is(looked, 100);
  // Half of them in use, among ten times as many that are asked for once.
  for (let n = 0; n < 1000; n++) {
    for (let used = 0; used < 50; used++) await get(`key-${used}`);
    await get(`once-${n}`);
    t.true(remembered.size <= 100);
  }
  t.is(looked, 100 + 1000, 'none of those in use was looked up again');
});

test('where all are in use, each that comes costs one of them and no long search', async (t) => {
  const remembered = new Remembered<number>(1000, 10);
  const looked: number[] = [];
  const get = async (n: number) =>
    remembered.get(String(n), async () => {
      looked.push(n);
      return Promise.resolve(n);
    });
  for (let round = 0; round < 5; round++) for (let n = 0; n < 1000; n++) await get(n);
  t.is(looked.length, 1000);
  for (let n = 1000; n < 1010; n++) await get(n);
  for (let n = 0; n < 1000; n++) await get(n);
  t.true(looked.length <= 1000 + 10 + 20, `${looked.length} look-ups: no more than a few were forgotten`);
});

test('names that do not exist make nobody forget those that do', async (t) => {
  const remembered = new Remembered<string>(10, 5);
  let looked = 0;
  const get = async (name: string, value: string | undefined) =>
    remembered.get(name, async () => {
      looked++;
      return Promise.resolve(value);
    });
  for (let n = 0; n < 5; n++) await get(`there-${n}`, 'value');
  for (let n = 0; n < 100; n++) await get(`nowhere-${n}`, undefined);
  const before = looked;
  for (let n = 0; n < 5; n++) t.is(await get(`there-${n}`, 'another'), 'value');
  t.is(await get('nowhere-99', 'made since'), undefined, 'remembered as missing');
  t.is(looked, before);
  t.true(remembered.size <= 10);
});

test('what is forgotten while it is looked up is not found by those who ask after', async (t) => {
  const remembered = new Remembered<string>(10, 10);
  for (const [before, after] of [
    [undefined, 'made'],
    ['there', undefined],
    ['old', 'new'],
  ] as const) {
    const slow = Promise.withResolvers<string | undefined>();
    const asked = remembered.get('name', async () => slow.promise);
    remembered.forget('name');
    t.is(await remembered.get('name', async () => Promise.resolve(after)), after);
    slow.resolve(before);
    t.is(await asked, before, 'the answer of those who asked before');
    t.is(await remembered.get('name', async () => Promise.resolve('looked up again')), after);
    remembered.forget('name');
  }
});

test('a look-up that fails is forgotten, and one that came after it is not', async (t) => {
  const remembered = new Remembered<string>(10, 10);
  const slow = Promise.withResolvers<string>();
  const failing = remembered.get('name', async () => slow.promise);
  remembered.forget('name');
  await remembered.get('name', async () => Promise.resolve('good'));
  slow.reject(new Error('the store is gone'));
  await t.throwsAsync(failing, { message: 'the store is gone' });
  t.is(await remembered.get('name', async () => Promise.resolve('another')), 'good');
  await t.throwsAsync(remembered.get('other', async () => Promise.reject(new Error('the store is gone'))));
  t.is(await remembered.get('other', async () => Promise.resolve('there')), 'there');
});
