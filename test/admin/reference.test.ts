import { createHash } from 'node:crypto';
import test from 'ava';
import { openApi } from '../../src/admin/openapi/document.ts';
import { referencePage, referencePolicy } from '../../src/admin/reference/page.ts';
import { allRoutes } from '../../src/admin/routes.ts';

const document = openApi(allRoutes, { version: '1 < 2 & "3"', serverUrl: 'https://keys.example.com' });
const page = referencePage(document);

test('the reference has every operation and every object, and each link within it leads somewhere', async (t) => {
  const html = await page;
  const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
  for (const { operation } of allRoutes) t.true(ids.has(operation.toLowerCase()), operation);
  for (const name of Object.keys(document.components.schemas))
    t.true(ids.has(`${name.toLowerCase()}-object`), name);
  for (const [, target] of html.matchAll(/href="#([^"]+)"/g)) t.true(ids.has(target), target);
});

test('what the document says is text in the page, never markup', async (t) => {
  const html = await page;
  t.true(html.includes('1 &lt; 2 &amp; &quot;3&quot;'));
  t.deepEqual([...new Set([...html.matchAll(/<([a-z][a-z0-9]*)/g)].map(([, tag = '']) => tag))].toSorted(), [
    ...[
      'a',
      'abbr',
      'article',
      'b',
      'body',
      'code',
      'details',
      'h1',
      'h2',
      'h4',
      'head',
      'header',
      'html',
      'input',
    ],
    ...[
      'li',
      'main',
      'meta',
      'nav',
      'p',
      'script',
      'section',
      'span',
      'style',
      'summary',
      'table',
      'tbody',
      'td',
    ],
    ...['th', 'thead', 'title', 'tr', 'ul'],
  ]);
  t.notRegex(html, /\*\*|`| on[a-z]+=|style=|javascript:/);
});

test('its policy lets run what is in it and nothing else', async (t) => {
  const html = await page;
  for (const tag of ['script', 'style']) {
    const parts = [...html.matchAll(new RegExp(`<${tag}>([^]*?)</${tag}>`, 'g'))].map(
      ([, text = '']) => text,
    );
    t.is(parts.length, 1);
    const hash = createHash('sha256')
      .update(parts[0] ?? '')
      .digest('base64');
    t.true(referencePolicy.includes(`${tag}-src 'sha256-${hash}'`), tag);
  }
  t.regex(referencePolicy, /^default-src 'none'; .*frame-ancestors 'none'$/);
  t.notRegex(html, / (?:src|action)=/);
});
