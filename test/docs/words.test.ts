import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { openApi } from '../../src/admin/openapi/document.ts';
import { allRoutes } from '../../src/admin/routes.ts';
import { problemKinds } from '../../src/admin/problem.ts';
import { unusedWords } from '../../scripts/words/unused-words.ts';
import { lintPlanted } from '../support/planted-lint.ts';

/* One word for one thing, in all that people read: docs/glossary.md says which words are not used. Texts in the code are read by lint (scripts/words/lint.js). */

const top = path.join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(top, file), 'utf8');

const unused = unusedWords(read('docs/glossary.md'));

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

test('a text in the code that has one of them is refused by lint, wherever a text may stand', async (t) => {
  const said = await lintPlanted(
    { plugin: 'scripts/words/lint.js', rule: 'words/unused' },
    {
      'docs/glossary.md': read('docs/glossary.md'),
      'src/a.ts': "export const a = 'make it by hand';",
      'src/b.ts': 'export const b = (name: string) => `${name} is made\nby hand`;',
      'web/c.tsx': 'export const c = <p>Open AWS’s console.</p>;',
      'web/d.tsx': 'export const d = <p title="A user name" />;',
      'src/code.ts':
        "export const code = ['by-hand', 'e-mail'];\n// By hand.\nexport const fine = 'make it manually';",
    },
  );
  const files = ['src/a.ts', 'src/b.ts', 'web/c.tsx', 'web/d.tsx'];
  t.deepEqual([...said.keys()].toSorted(), files);
  t.is(said.get('src/a.ts'), '“by hand” is not used (docs/glossary.md): say manually');
});

test('a text of the console that stands outside web/texts is refused by lint', async (t) => {
  const said = await lintPlanted(
    { plugin: 'scripts/words/lint.js', rule: 'words/outside-texts' },
    {
      'docs/glossary.md': read('docs/glossary.md'),
      'web/a.tsx': 'export const a = <p>Nothing yet</p>;',
      'web/b.tsx': 'export const b = <p aria-label="Close it" />;',
      'web/c.ts': "export const c = { header: 'State' };",
      'web/d.ts': "export const d = 'It was done, and nobody saw it.';",
      'web/code.tsx': `export const code = <p className="strip strip-grave" title={t.title}>ARN</p>;
        export const fine = ['two words', { header: t.state, type: 'success' }];`,
    },
  );
  t.deepEqual([...said.keys()].toSorted(), ['web/a.tsx', 'web/b.tsx', 'web/c.ts', 'web/d.ts']);
  t.is(said.get('web/a.tsx'), 'what people read is in web/texts: “Nothing yet”');
});
