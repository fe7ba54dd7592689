import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import axe from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

/** Debian's, which scripts/set-up installs for tests. */
const program = '/usr/bin/chromium';

/** What a browser saw, step by step; not in git. */
const pictures = path.resolve(import.meta.dirname, '../build/screenshots');
let taken = 0;

interface Violation {
  id: string;
  nodes: { target: string[]; failureSummary?: string }[];
}

/** A browser as somebody has it before them: what it complains about is kept. */
export class TestBrowser {
  readonly #browser: Browser;
  /** What the pages' consoles said that was a warning or an error, and errors that nothing caught. */
  readonly complaints: string[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(): Promise<TestBrowser> {
    return new TestBrowser(
      // Root has no sandbox.
      await chromium.launch({ executablePath: program, args: ['--no-sandbox', '--disable-gpu'] }),
    );
  }

  /** Cookies and storage of their own. The certificates of tests are from CAs of tests. */
  async person(options: { colorScheme?: 'light' | 'dark' } = {}): Promise<BrowserContext> {
    const context = await this.#browser.newContext({
      ignoreHTTPSErrors: true,
      viewport: { width: 1280, height: 900 },
      reducedMotion: 'reduce',
      ...options,
    });
    // What the page copies is for whoever pastes it.
    await context.grantPermissions(['clipboard-write', 'clipboard-read']);
    context.setDefaultTimeout(Number(process.env['HOLDFAST_WAIT'] ?? 60_000));
    context.on('console', (message) => {
      if (message.type() !== 'error' && message.type() !== 'warning') return;
      // What the API refuses is told by the page; the browser says so too.
      if (!/^Failed to load resource: the server responded with a status of 4\d\d/.test(message.text()))
        this.complaints.push(message.text());
    });
    context.on('weberror', (error) => this.complaints.push(String(error.error())));
    return context;
  }

  /** How every page that is open looks: for whoever wonders why a test failed. */
  async pictureAll(step: string): Promise<void> {
    for (const context of this.#browser.contexts())
      for (const page of context.pages()) await picture(page, step);
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}

/** Resolves once nothing moves any more but what moves for ever, such as a spinner. */
const still = `(async () => {
  for (;;) {
    const moving = document.getAnimations().filter(
      (one) => one.playState === 'running' && Number.isFinite(one.effect?.getComputedTiming().endTime),
    );
    if (moving.length === 0) return;
    await Promise.allSettled(moving.map((one) => one.finished));
  }
})()`;

/** What axe finds wrong, a line each, by these rules or all. */
export async function axeViolations(page: Page, rules?: readonly string[]): Promise<string[]> {
  let found: string[] = [];
  // A page that is still being drawn may have, for a moment, what nobody ever meets; what is wrong with it is wrong each time.
  for (let look = 0; look < 3; look++) {
    found = await lookAt(page, rules);
    if (found.length === 0) break;
  }
  return found;
}

async function lookAt(page: Page, rules?: readonly string[]): Promise<string[]> {
  // Not as an element: the page's policy takes no script that is not its own.
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(`${axe.source};0`);
  const options = JSON.stringify({
    resultTypes: ['violations'],
    ...(rules === undefined ? {} : { runOnly: rules }),
  });
  const violations = (await page.evaluate(
    // Colours on their way to another are nobody's fault.
    `${still}.then(() => axe.run(document, ${options}).then(({ violations }) => violations))`,
  )) as Violation[];
  return violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map(({ target, failureSummary = '' }) => `${target.join(' ')} ${failureSummary.replaceAll('\n', ' ')}`).join(' | ')}`,
  );
}

/** Keeps how a page looks, in the order of the steps. */
export async function picture(page: Page, step: string): Promise<void> {
  if (taken === 0) rmSync(pictures, { recursive: true, force: true });
  mkdirSync(pictures, { recursive: true });
  taken += 1;
  const name = `${String(taken).padStart(2, '0')}-${step.replaceAll(/[^\w]+/g, '-')}.png`;
  await page.screenshot({ path: path.join(pictures, name) });
}
