import { chmodSync, chownSync, lchownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import anyTest, { type ExecutionContext } from 'ava';
import { asOwner, dangerOfRoot } from '../../src/store/owner.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

/* Whoever can put another directory in the place of a node's is the one that root goes on as. */

const test = process.geteuid?.() === 0 ? anyTest.serial : anyTest.serial.skip;
const service = 10_001;

function place(t: ExecutionContext, ...names: string[]): string {
  const top = mkdtempSync(path.join(memoryDirectory(), 'holdfast-owner-'));
  chmodSync(top, 0o755);
  t.teardown(() => rmSync(top, { recursive: true }));
  mkdirSync(path.join(top, ...names), { recursive: true, mode: 0o755 });
  return top;
}

const userOf = async (directory: string) => asOwner([directory], async () => process.geteuid?.());

test('root goes on as root where every directory on the way is root’s alone', async (t) => {
  const top = place(t, 'a/b');
  t.is(await userOf(path.join(top, 'a/b')), 0);
  t.is(await userOf(path.join(top, 'a/b/to/be/made')), 0);
  t.is(dangerOfRoot([path.join(top, 'a/b')]), undefined);
});

test('root goes on as whoever has a directory above, or a link on the way', async (t) => {
  const top = place(t, 'a/b');
  const [a, b] = [path.join(top, 'a'), path.join(top, 'a/b')];
  chownSync(a, service, service);
  t.is(await userOf(b), service, 'who has the directory above can rename that of root');
  t.is(process.geteuid?.(), 0);
  chownSync(b, service + 1, service + 1);
  t.is(await userOf(b), service + 1, 'the nearest');
  chownSync(a, 0, 0);
  chownSync(b, 0, 0);
  const link = path.join(top, 'link');
  symlinkSync('a/b', link);
  t.is(await userOf(link), 0);
  lchownSync(link, service, service);
  t.is(await userOf(path.join(link, 'new')), service, 'the link is theirs, what it leads to root’s');
});

test('a directory of root’s that a group or everybody may write is refused, with the way out', async (t) => {
  const top = place(t, 'state');
  const state = path.join(top, 'state');
  chownSync(state, 0, service);
  for (const [mode, who] of [
    [0o2775, `group ${service}`],
    [0o777, 'every user'],
  ] as const) {
    chmodSync(state, mode);
    const error = await t.throwsAsync(userOf(state), { instanceOf: StoreError });
    t.is(error?.fault, 'not-permitted');
    t.true(
      error?.message.startsWith(`${state} belongs to root, but ${who} may put other files`),
      error?.message,
    );
    t.regex(error?.remediation ?? '', /chmod go-w /);
    t.regex(dangerOfRoot([state]) ?? '', /chmod go-w /);
  }
  chmodSync(state, 0o1777);
  t.is(await userOf(state), 0, 'with the sticky bit nobody replaces what is another’s');
});
