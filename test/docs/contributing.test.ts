import test from 'ava';
import { bash } from './bash.ts';
import { checkout, PageTyping, scriptOf } from './typing.ts';

test('one test file is run as CONTRIBUTING.md says', async (t) => {
  const page = new PageTyping(import.meta.url, 'CONTRIBUTING.md');
  // Whatever this test's own runner has put into the environment is not for that one.
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
  const { code, output, errors } = await bash(`set -e\n${scriptOf(page.blocks)}`, { cwd: checkout, env });
  t.is(code, 0, output);
  t.regex(output, /tests? passed/);
  t.deepEqual(page.untyped(errors), []);
});
