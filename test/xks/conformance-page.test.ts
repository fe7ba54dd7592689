import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';

const root = path.resolve(import.meta.dirname, '../..');
const page = readFileSync(path.join(root, 'docs/xks-conformance.md'), 'utf8');
const sources = globSync('test/**/*.ts', { cwd: root }).map((file) =>
  readFileSync(path.join(root, file), 'utf8'),
);
/** Titles as they stand in the sources, and as patterns where a part is filled in. */
const titles = sources.flatMap((source) =>
  [...source.matchAll(/\btest(?:\.serial)?\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/gs)].map(
    ([, , title = '']) => title,
  ),
);
const patterns = titles.map(
  (title) =>
    new RegExp(
      `^${title
        .split(/\$\{[^}]*\}/)
        .map((part) => RegExp.escape(part))
        .join('.+')}$`,
    ),
);

const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (Requirement|-)/.test(line))
  .map((line) => ({
    line,
    tests: [...(line.split('|').at(-2) ?? '').matchAll(/`([^`]+)`/g)].map(([, title = '']) => title),
  }));

test('every test that the conformance page names exists', (t) => {
  t.true(rows.length > 40);
  const named = rows.flatMap(({ tests }) => tests);
  t.true(named.length > 60);
  const missing = named.filter(
    (title) => !titles.includes(title) && !patterns.some((pattern) => pattern.test(title)),
  );
  t.deepEqual(missing, []);
});

test('every row of the conformance page has a test or says why not', (t) => {
  const excuse = /Not yet|Not the proxy's|not apply|operator's|no secondary authorization|No test/;
  const bare = rows.filter(({ line, tests }) => tests.length === 0 && !excuse.test(line));
  t.deepEqual(bare, []);
});
