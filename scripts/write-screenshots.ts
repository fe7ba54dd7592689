import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { chromium, type Browser, type Page } from 'playwright-core';

/*
 * `make screenshots`: the pictures of README and guide (docs/images), taken of the console of `make demo KEEP=1`, so that
 * they are of what is there. The demo is ended again.
 */

const top = path.resolve(import.meta.dirname, '..');
const images = path.join(top, 'docs/images');
/** A picture is no larger than so many kilobytes: each version of it stays in git for ever. */
const most = 150;

/** Pages of the vault, in the order in which they are gone to: what they are called, and how they are come by. */
const pages: readonly { name: string; open: (page: Page) => Promise<void> }[] = [
  {
    name: 'overview',
    open: async (page) => {
      await follow(page, 'Overview');
      // As it is once all that was done is counted.
      await page.getByText('1 pending deletion').waitFor();
    },
  },
  { name: 'cloud-keys', open: async (page) => follow(page, 'CloudKeys') },
  {
    name: 'cloud-key',
    open: async (page) => {
      await page.getByRole('link', { name: 'picture-key', exact: true }).click();
      await page.getByRole('button', { name: 'Disable' }).waitFor();
    },
  },
  {
    name: 'disable',
    open: async (page) => {
      await page.getByRole('button', { name: 'Disable' }).click();
      await page.getByRole('dialog').getByText('The command that does the same').waitFor();
    },
  },
  {
    name: 'create-cloud-key',
    open: async (page) => {
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
      await follow(page, 'CloudKeys');
      await page.getByRole('button', { name: 'Create CloudKey' }).click();
      await page.locator('main').getByRole('button', { name: 'Key set' }).click();
      await page.getByRole('option', { name: 'pictures' }).click();
      await page.getByRole('textbox', { name: 'Name' }).fill('payroll');
    },
  },
  {
    name: 'key-set',
    open: async (page) => {
      // Out of the wizard, in which something was typed.
      await follow(page, 'Key sets', true);
      await page.getByRole('link', { name: 'pictures', exact: true }).click();
      await page.getByRole('tab', { name: /credentials/i }).click();
      await page.getByRole('button', { name: /^Actions: / }).waitFor();
    },
  },
  {
    name: 'external-key-store',
    open: async (page) => {
      await follow(page, 'External key stores');
      await page.getByRole('link', { name: 'pictures', exact: true }).first().click();
      await page.getByText('AWS has it').waitFor();
    },
  },
  { name: 'audit-log', open: async (page) => follow(page, 'Audit log') },
];

async function follow(page: Page, name: string, asksFirst = false): Promise<void> {
  // The breadcrumbs may lead there too.
  const side = page.getByRole('navigation', { name: 'Navigation' });
  await side.getByRole('link', { name, exact: true }).click();
  if (asksFirst) await page.getByRole('dialog').getByRole('button', { name: 'Leave' }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

/** What the page's own session would send, under the vault. Throws unless it is done. */
async function ask(page: Page, method: string, route: string, body?: object): Promise<unknown> {
  const send = async ([method, route, body]: readonly [string, string, object | undefined]) => {
    const session = (await (await fetch('/api/v1/session')).json()) as {
      csrfToken: string;
      user: { vaultId: string };
    };
    const answer = await fetch(`/api/v1/vaults/${session.user.vaultId}${route}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(method === 'GET' ? {} : { 'X-CSRF-Token': session.csrfToken, 'If-Match': '*' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${route}: ${answer.status} ${text}`);
    return JSON.parse(text) as unknown;
  };
  return page.evaluate(send, [method, route, body] as const);
}

/** More keys beside the guide's one, in the states that keys are in. */
async function furnish(page: Page): Promise<void> {
  const keySets = (await ask(page, 'GET', '/key-sets')) as { items: { id: string }[] };
  const ids = new Map<string, string>();
  for (const [name, description] of [
    ['archive', 'Backups of the last ten years'],
    ['invoices', 'Invoices, and what comes with them'],
    ['mail', 'Mailboxes of the branch offices'],
    ['payroll', 'Salaries'],
    ['scans', 'Scanned letters, until they are filed'],
  ] as const) {
    const made = await ask(page, 'POST', '/cloud-keys', {
      name,
      description,
      keySetId: keySets.items[0]?.id,
    });
    ids.set(name, (made as { id: string }).id);
  }
  // In AWS too, before what is here is changed.
  await follow(page, 'KMS keys');
  for (const name of ids.keys())
    await page
      .getByRole('row', { name: `alias/${name}` })
      .getByText('Available')
      .waitFor();
  await ask(page, 'POST', `/cloud-keys/${ids.get('invoices')}/rotate`);
  await ask(page, 'POST', `/cloud-keys/${ids.get('mail')}/disable`, {});
  await ask(page, 'POST', `/cloud-keys/${ids.get('scans')}/disable`, {});
  await ask(page, 'POST', `/cloud-keys/${ids.get('scans')}/schedule-deletion`, { days: 30 });
}

async function keep(page: Page, name: string): Promise<void> {
  await page.waitForLoadState('networkidle');
  const file = path.join(images, `${name}.png`);
  await page.screenshot({ path: file });
  const kilobytes = Math.round(statSync(file).size / 1000);
  console.log(`docs/images/${name}.png  ${kilobytes} KB`);
  if (kilobytes > most) throw new Error(`${name}.png is larger than ${most} KB`);
}

mkdirSync(images, { recursive: true });
const demo = spawn(
  'setpriv',
  ['--pdeathsig', 'TERM', process.execPath, path.join(top, 'demo/main.ts'), '--keep', '--patient'],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
const ended = once(demo, 'close');
let browser: Browser | undefined;
try {
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  const there = Promise.withResolvers<{ address: string; password: string }>();
  void ended.then(() => there.reject(new Error('the demo has ended')));
  createInterface({ input: demo.stdout }).on('line', (line) => {
    const [, address, file] = /of the vault +(\S+) .* password in (\S+)/.exec(line) ?? [];
    if (address !== undefined && file !== undefined)
      there.resolve({ address, password: readFileSync(file, 'utf8').trim() });
  });
  const { address, password } = await there.promise;
  const page = await browser.newPage({
    ignoreHTTPSErrors: true,
    viewport: { width: 1280, height: 760 },
    reducedMotion: 'reduce',
  });
  await page.goto(address);
  await page.getByLabel('Username').fill('ada');
  await page.getByLabel('Password').fill(password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await furnish(page);
  for (const { name, open } of pages) {
    await open(page);
    await keep(page, name);
  }
} finally {
  await browser?.close();
  demo.kill('SIGTERM');
  await ended;
}
