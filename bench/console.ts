import Table from 'cli-table3';
import { sql } from 'kysely';
import type { BrowserContext, Page } from 'playwright-core';
import { monotonicNow } from '../src/clock.ts';
import { sessionCookie } from '../src/identity/bearer.ts';
import { openSession } from '../src/identity/sessions.ts';
import { insertUser, newUser } from '../src/identity/users.ts';
import type { SqliteStore } from '../src/store/sqlite/sqlite.ts';
import type { Store } from '../src/store/store.ts';
import { TestBrowser } from '../testing/browser.ts';
import { byHand } from '../testing/by-hand.ts';
import { TestNode } from '../testing/test-node.ts';
import { createSoftHsmToken } from '../testing/tokens.ts';
import { fillStore } from './large-store.ts';

/*
 * node bench/console.ts: the console in Debian's Chromium with 2,000 CloudKeys, each with its KMS key, 200 key sets, each with its
 * external key store, and 100,000 audit events. What a first visit loads; from the start of a visit, with nothing but the files in
 * the browser's cache, to the first row of a list: by the clock, and what the page's own thread used of the processor until then,
 * which does not count what others had it for; and for how long at a stretch the page does nothing else while it is scrolled, and
 * while a filter looks through all of the list. The built console is to be there (node scripts/build-web.ts). BENCH_VISITS (5)
 * visits of each list.
 */

const size = { vaults: 1, keySets: 200, keysOfKeySet: 10, auditEvents: 100_000 };
const visits = Number(process.env['BENCH_VISITS'] ?? 5);

interface List {
  path: string;
  /** As the address has it: an operator, and one property. */
  filter: readonly [property: string, operator: string, value: string];
}

const lists: Readonly<Record<string, List>> = {
  CloudKeys: { path: 'cloud-keys', filter: ['by-name', ':', 'orders-19'] },
  'Key sets': { path: 'key-sets', filter: ['by-name', ':', 'key-set-19'] },
  'External key stores': { path: 'external-key-stores', filter: ['by-name', ':', 'key-set-19'] },
  'KMS keys': { path: 'kms-keys', filter: ['by-alias', ':', 'orders-19'] },
  'Audit log': { path: 'audit', filter: ['by-who', ':', 'user-7'] },
};

/** Counts from here on for how long the page does one thing at a stretch. */
const watchStalls = `window.stalls = []; new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) window.stalls.push(duration);
}).observe({ type: 'longtask', buffered: false }); 0`;

/** To the end and back, a screen a frame. */
const scrolled = `new Promise((resolve) => {
  let step = innerHeight;
  const go = () => {
    scrollBy(0, step);
    if (step > 0 && scrollY + innerHeight >= document.documentElement.scrollHeight - 1) step = -step;
    if (step < 0 && scrollY === 0) resolve(0);
    else requestAnimationFrame(go);
  };
  go();
})`;

/** Until the heading counts what matches of all, or of as many as are looked through. */
const lookedThrough = `new Promise((resolve) => {
  const look = () => {
    const [, all, more] = /\\(\\d+\\/(\\d+)(\\+?)\\)/.exec(document.querySelector('h1').textContent) ?? [];
    if (all !== undefined && (more === '' || Number(all) >= 5000)) requestAnimationFrame(() => setTimeout(() => resolve(0)));
    else requestAnimationFrame(look);
  };
  look();
})`;

const fixture = await createSoftHsmToken();
const node = await TestNode.create({ tokens: [{ fixture }], admin: true, workers: 1, realTimes: true });
const browser = await TestBrowser.start();
try {
  const vaultId = await node.withStore(async ({ vaultContext }) => {
    const [id = ''] = await fillStore(vaultContext.store as SqliteStore, size);
    await fillAws(vaultContext.store, id);
    return id;
  });
  await node.serve();
  const { endpoint } = node.admin;
  const home = `${endpoint}/console/vaults/${vaultId}`;
  const person = await signedIn(vaultId, endpoint);
  console.log(await firstLoad(person, home));
  const table = new Table({
    head: [
      'list',
      'first row, ms',
      'processor until then, ms',
      'scrolled: longest stretch',
      'filtered, ms',
      'processor meanwhile, ms',
      'longest stretch',
    ],
    style: { head: [], border: [] },
  });
  for (const [name, list] of Object.entries(lists))
    table.push([name, ...(await measured(person, home, list))]);
  console.log(table.toString());
} finally {
  await browser.close();
  await node.dispose();
  await fixture.dispose();
}

/** An external key store for each key set and a KMS key for each CloudKey, manual: nobody asks AWS for them. */
async function fillAws(store: Store, vault: string): Promise<void> {
  await store.write(byHand, async (trx) => {
    await sql`INSERT INTO external_key_stores (id, vault_id, key_set_id, region, name, origin, connectivity, uri_endpoint, state,
        created_at, updated_at)
      SELECT id, vault_id, id, 'eu-central-1', name, 'MANUAL', 'PUBLIC_ENDPOINT', 'https://xks.example.com', 'UNKNOWN',
        created_at, created_at
      FROM key_sets WHERE vault_id = ${vault}`.execute(trx);
    await sql`INSERT INTO kms_keys (id, vault_id, cloud_key_id, external_key_store_id, region, origin, key_id, key_arn, alias,
        description, tags, policy, step, cloud_status, created_at, updated_at)
      SELECT id, ${vault}, id, key_set_id, 'eu-central-1', 'MANUAL', id, 'arn:aws:kms:eu-central-1:111122223333:key/' || id,
        'alias/' || name, '', '{}', '{}', 'DONE', 'AVAILABLE', created_at, updated_at
      FROM cloud_keys`.execute(trx);
  });
}

/** A browser in which an administrator of the vault is signed in. */
async function signedIn(vaultId: string, origin: string): Promise<BrowserContext> {
  const { token } = await node.withStore(async ({ vaultContext, act }) =>
    vaultContext.store.write(byHand, async (trx) => {
      const input = { username: 'ada', email: 'ada@example.com', role: 'vault-admin' as const };
      const user = { ...newUser(vaultContext, vaultId, input), must_change_password: 0 };
      const added = await insertUser(trx, act(), user);
      const context = { context: vaultContext, limits: { idleMinutes: 60, maxMinutes: 120 } };
      const from = { method: 'password', cookie: true, address: '127.0.0.1', userAgent: 'bench' } as const;
      return openSession(trx, context, act(), added, from);
    }),
  );
  const context = await browser.person();
  await context.addCookies([
    {
      ...{ name: sessionCookie, value: token.reveal(), url: origin },
      ...{ httpOnly: true, secure: true, sameSite: 'Strict' },
    },
  ]);
  return context;
}

/** What the browser gets before anything of it is kept: bytes as they come, by kind. */
async function firstLoad(person: BrowserContext, home: string): Promise<string> {
  const page = await person.newPage();
  await page.goto(home);
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await page.waitForLoadState('networkidle');
  const sizes = (await page.evaluate(
    `[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
      .filter(({ name }) => !name.includes('/api/'))
      .map(({ name, encodedBodySize }) => [name, encodedBodySize])`,
  )) as [string, number][];
  await page.close();
  const of = (ending: RegExp) =>
    kilobytes(sizes.filter(([name]) => ending.test(name)).reduce((sum, [, bytes]) => sum + bytes, 0));
  return `first load, overview with charts: ${of(/./)} (scripts ${of(/\.js$/)}, styles ${of(/\.css$/)}), compressed`;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(0)} kB`;
}

/** Milliseconds of the longest such stretch since it was asked last; the browser tells of none below 50. */
async function longestStall(page: Page): Promise<string> {
  const stalls = (await page.evaluate('window.stalls.splice(0)')) as number[];
  return stalls.length === 0 ? '< 50' : Math.max(...stalls).toFixed(0);
}

async function measured(person: BrowserContext, home: string, { path, filter }: List): Promise<string[]> {
  const times: number[] = [];
  const used: number[] = [];
  for (let visit = 0; visit < visits; visit++) {
    const page = await person.newPage();
    const processor = await watchProcessor(person, page);
    await page.goto(`${home}/${path}`);
    times.push(await firstRow(page));
    used.push(await processor());
    await page.close();
  }
  const page = await person.newPage();
  await page.goto(`${home}/${path}`);
  await firstRow(page);
  await page.waitForLoadState('networkidle');
  await page.evaluate(watchStalls);
  await page.evaluate(scrolled);
  const scrolling = await longestStall(page);
  const processor = await watchProcessor(person, page);
  const before = await processor();
  const query = new URLSearchParams({ filter: JSON.stringify(['and', filter]) });
  const began = monotonicNow();
  // As a link within the console: the page stays.
  await page.evaluate(
    `history.pushState({}, '', '?${query.toString()}'); dispatchEvent(new PopStateEvent('popstate')); 0`,
  );
  await page.evaluate(lookedThrough);
  const took = monotonicNow() - began;
  const filtered = (await processor()) - before;
  const filtering = await longestStall(page);
  await page.close();
  const ms = (value: number | undefined) => (value ?? Number.NaN).toFixed(0);
  return [ms(median(times)), ms(median(used)), scrolling, ms(took), ms(filtered), filtering];
}

/** Tells what the page's own thread has used of the processor so far, milliseconds. */
async function watchProcessor(person: BrowserContext, page: Page): Promise<() => Promise<number>> {
  const devTools = await person.newCDPSession(page);
  await devTools.send('Performance.enable', { timeDomain: 'threadTicks' });
  return async () => {
    const { metrics } = await devTools.send('Performance.getMetrics');
    return 1000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN);
  };
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Milliseconds from the start of the visit until the first row is painted. */
async function firstRow(page: Page): Promise<number> {
  // A table that is empty, or is not there yet, has one row at the most, with one cell. Its header stands in a table of its own too.
  return (await page.evaluate(`new Promise((resolve) => {
    const look = () => {
      if (document.querySelectorAll('tbody tr td, tbody tr th').length > 1)
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
      else requestAnimationFrame(look);
    };
    look();
  })`)) as number;
}
