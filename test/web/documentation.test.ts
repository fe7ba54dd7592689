import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { targetOf } from '../../web/help/doc-pages.ts';
import { parseMarkdown, type Block, type Inline } from '../../web/help/markdown.ts';
import { helpOf, helpOfAppliance, helpOfVault } from '../../web/texts/help.ts';

/* The documentation as the console shows it, and what its help says beside each page. */

const docs = new URL('../../docs/', import.meta.url);
const pages = new Map(
  readdirSync(docs)
    .filter((name) => name.endsWith('.md'))
    .map((name) => [name.slice(0, -3), parseMarkdown(readFileSync(new URL(name, docs), 'utf8'))] as const),
);

test('what is written in Markdown is read as it is meant', (t) => {
  const text = [
    '# A title with `code`',
    '',
    'One line,',
    'and **one more** with a [link](other.md#there) and `a | b` ([`[[x.y]]`](z.md)).',
    '',
    '- first',
    '  goes on',
    '- second',
    '',
    '  ```sh',
    '  echo hi',
    '  ```',
    '',
    '1. one',
    '2. two',
    '',
    '| a | b |',
    '| - | - |',
    '| `x \\| y` | [z](#here) |',
  ].join('\n');
  const [title, words, list, numbered, table] = parseMarkdown(text);
  t.like(title, { kind: 'heading', level: 1, id: 'a-title-with-code' });
  t.deepEqual(words, {
    kind: 'paragraph',
    children: [
      'One line, and ',
      { kind: 'strong', children: ['one more'] },
      ' with a ',
      { kind: 'link', href: 'other.md#there', children: ['link'] },
      ' and ',
      { kind: 'code', text: 'a | b' },
      ' (',
      { kind: 'link', href: 'z.md', children: [{ kind: 'code', text: '[[x.y]]' }] },
      ').',
    ],
  });
  t.deepEqual(list, {
    kind: 'list',
    ordered: false,
    items: [
      [{ kind: 'paragraph', children: ['first goes on'] }],
      [
        { kind: 'paragraph', children: ['second'] },
        { kind: 'code', text: 'echo hi' },
      ],
    ],
  });
  t.like(numbered, { kind: 'list', ordered: true });
  t.deepEqual(table, {
    kind: 'table',
    head: [['a'], ['b']],
    rows: [[[{ kind: 'code', text: 'x | y' }], [{ kind: 'link', href: '#here', children: ['z'] }]]],
  });
});

test('every page is read whole: nothing of its Markdown is left in the words, and each link leads somewhere', (t) => {
  for (const [name, blocks] of pages) {
    const headings = new Map([...pages].map(([page, those]) => [page, headingsOf(those)]));
    for (const part of blocks.flatMap(inlinesOf)) {
      if (typeof part === 'string') t.notRegex(part, /\]\(|\*\*|```|^\s*\|.*\|\s*$/, `${name}: ${part}`);
      else if (part.kind === 'link') {
        const target = targetOf(part.href, name);
        if (target.kind !== 'page') continue;
        t.true(headings.has(target.name), `${name}: ${part.href}`);
        if (target.anchor !== '')
          t.true(headings.get(target.name)?.has(target.anchor), `${name}: ${part.href}`);
      }
    }
  }
});

test('a link that could be anything else than a page or an address leads nowhere', (t) => {
  t.deepEqual(targetOf('fleet.md#upgrading', 'guide'), { kind: 'page', name: 'fleet', anchor: 'upgrading' });
  t.deepEqual(targetOf('#here', 'guide'), { kind: 'page', name: 'guide', anchor: 'here' });
  t.deepEqual(targetOf('https://example.com/', 'guide'), { kind: 'out', href: 'https://example.com/' });
  for (const href of [
    'javascript:alert(1)',
    'data:text/html,x',
    '../CHANGELOG.md',
    '//example.com',
    '/api/v1',
  ])
    t.deepEqual(targetOf(href, 'guide'), { kind: 'none' }, href);
});

test('every page of the console has its help, and each of its links is a page that is there', (t) => {
  const routes = readFileSync(new URL('../../web/pages.tsx', import.meta.url), 'utf8');
  const [common = '', ofVault = '', ofAppliance = ''] = routes.split(/RouteObject\[\] = /).slice(1);
  const pathsIn = (text: string) => [...text.matchAll(/\bpage\(\s*'([^']+)'/g)].map(([, path = '']) => path);
  for (const list of [common, ofVault, ofAppliance]) t.true(pathsIn(list).length > 5);
  for (const path of ['', ...pathsIn(common), ...pathsIn(ofVault)]) t.truthy(helpOf(`/${path}`, true), path);
  for (const path of ['', ...pathsIn(common), ...pathsIn(ofAppliance)])
    t.truthy(helpOf(`/${path}`, false), path);
  for (const { links } of [...Object.values(helpOfVault), ...Object.values(helpOfAppliance)])
    for (const [words, page] of links) {
      const [name = '', anchor] = page.split('#');
      t.true(pages.has(name), `${words}: ${page}`);
      if (anchor !== undefined) t.true(headingsOf(pages.get(name) ?? []).has(anchor), `${words}: ${page}`);
    }
});

function headingsOf(blocks: readonly Block[]): Set<string> {
  return new Set(blocks.flatMap((block) => (block.kind === 'heading' ? [block.id] : [])));
}

function inlinesOf(block: Block): Inline[] {
  switch (block.kind) {
    case 'code':
      return [];
    case 'list':
      return block.items.flat().flatMap(inlinesOf);
    case 'table':
      return [...block.head, ...block.rows.flat()].flatMap(all);
    case 'heading':
    case 'paragraph':
      return all(block.children);
  }
}

function all(parts: readonly Inline[]): Inline[] {
  return parts.flatMap((part) =>
    typeof part === 'string' || part.kind === 'code' ? [part] : [part, ...all(part.children)],
  );
}
