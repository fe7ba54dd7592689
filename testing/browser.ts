import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
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

/** What axe looks at: by these rules or all, in what the selector finds or everywhere. */
interface AxeLook {
  rules?: readonly string[];
  within?: string;
}

/** Milliseconds in which a page is drawn, however busy the machine is. */
const drawn = 15_000;

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

/** What axe finds wrong, a line each. */
export async function axeViolations(page: Page, where: AxeLook = {}): Promise<string[]> {
  const began = performance.now();
  for (let looks = 1; ; looks++) {
    const found = await lookAt(page, where);
    // A page that is still being drawn, or whose answers are still to come, may have for a moment what nobody ever meets.
    // What is wrong with it stays.
    if (found.length === 0 || (looks > 2 && performance.now() - began > drawn)) return found;
    await delay(250);
  }
}

async function lookAt(page: Page, { rules, within }: AxeLook): Promise<string[]> {
  // Not as an element: the page's policy takes no script that is not its own.
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(`${axe.source};0`);
  const options = JSON.stringify({
    resultTypes: ['violations'],
    ...(rules === undefined ? {} : { runOnly: rules }),
  });
  const violations = (await page.evaluate(
    // Colours on their way to another are nobody's fault.
    `${still}.then(() => axe.run(${within === undefined ? 'document' : JSON.stringify(within)}, ${options}).then(({ violations }) => violations))`,
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
