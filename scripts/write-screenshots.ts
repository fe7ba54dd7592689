import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { chromium, type Browser, type Page } from 'playwright-core';

/*
 * `make screenshots`: the pictures of README and guide (docs/images), taken of the console of `make demo KEEP=1`, so that
 * they are of what is there. The demo is ended again.
 */

const top = path.resolve(import.meta.dirname, '..');
const images = path.join(top, 'docs/images');

/** Pages of the vault, in the order in which they are gone to: what they are called, and how they are come by. */
const pages: readonly { name: string; open: (page: Page) => Promise<void> }[] = [
  { name: 'overview', open: async (page) => follow(page, 'Overview') },
  { name: 'cloud-keys', open: async (page) => follow(page, 'CloudKeys') },
  {
    name: 'cloud-key',
    open: async (page) => {
      await page.getByRole('link', { name: 'picture-key' }).click();
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
      await follow(page, 'Key sets');
      await page.getByRole('link', { name: 'pictures' }).click();
      await page.getByRole('tab', { name: /credentials/i }).click();
      await page.getByRole('button', { name: /^Withdraw/ }).waitFor();
    },
  },
  {
    name: 'external-key-store',
    open: async (page) => {
      await follow(page, 'External key stores');
      await page.getByRole('link', { name: 'pictures' }).first().click();
      await page.getByText('AWS has it').waitFor();
    },
  },
  { name: 'audit-log', open: async (page) => follow(page, 'Audit log') },
];

async function follow(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

/** As WebP, which is a fifth of the PNG. */
async function keep(page: Page, name: string): Promise<void> {
  await page.waitForLoadState('networkidle');
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 82 });
  const bytes = Buffer.from(data, 'base64');
  writeFileSync(path.join(images, `${name}.webp`), bytes);
  console.log(`docs/images/${name}.webp  ${Math.round(bytes.length / 1000)} KB`);
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
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
  });
  await page.goto(address);
  await page.getByLabel('Username').fill('ada');
  await page.getByLabel('Password').fill(password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  for (const { name, open } of pages) {
    await open(page);
    await keep(page, name);
  }
} finally {
  await browser?.close();
  demo.kill('SIGTERM');
  await ended;
}
