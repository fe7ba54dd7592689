import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { openApi } from '../../src/admin/openapi/document.ts';
import { allRoutes } from '../../src/admin/routes.ts';
import { problemKinds } from '../../src/admin/problem.ts';

/* One word for one thing, in all that people read: docs/glossary.md says which words are not used. docs/commands.md has what the command line says of itself. */

const top = path.join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(top, file), 'utf8');

const unused = unusedWords(read('docs/glossary.md'));

/** Of the table under `Words that are not used`: each word, and what is said instead. */
function unusedWords(glossary: string): [word: RegExp, instead: string][] {
  const [, section = ''] = glossary.split('## Words that are not used');
  return section
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (?:not|-+) /.test(line))
    .flatMap((line) => {
      const [, words = '', instead = ''] = line.split('|').map((cell) => cell.trim());
      return words
        .split(', ')
        .map((word): [RegExp, string] => [
          new RegExp(`\\b${word.replaceAll("'", "['’]").replaceAll(' ', '\\s+')}\\b`, 'giu'),
          instead,
        ]);
    });
}

/** Where one of them stands, with a few words around. */
function misused(text: string): string[] {
  // What is quoted as code is as a program says it.
  const prose = text.replaceAll(/```.*?```/gsu, '').replaceAll(/`[^`\n]*`/gu, '');
  return unused.flatMap(([word, instead]) =>
    [...prose.matchAll(word)].map(
      ({ index }) =>
        `…${prose.slice(Math.max(0, index - 40), index + 40).replaceAll(/\s+/gu, ' ')}…: say ${instead}`,
    ),
  );
}

test('the table of unused words is read', (t) => {
  t.true(unused.length > 10);
  t.is(misused('The KMS key was made by\nhand in AWS’s console.').length, 2);
  t.deepEqual(misused('`by hand` is a code, and a handle is none'), []);
});

const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md']
  .concat(readdirSync(path.join(top, 'docs')).map((name) => `docs/${name}`))
  .filter((file) => file.endsWith('.md') && file !== 'docs/glossary.md');
for (const page of pages)
  test(`${page} uses one word for one thing`, (t) => {
    t.deepEqual(misused(read(page)), []);
  });

test('so does the management API', (t) => {
  const document = openApi(allRoutes, { version: '0.0.0', serverUrl: 'https://localhost' });
  const titles = Object.values(problemKinds).map(([, title]) => title);
  t.deepEqual(misused([JSON.stringify(document), ...titles].join('\n')), []);
});
