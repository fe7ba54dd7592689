import { mkdirSync } from 'node:fs';
import path from 'node:path';
import axe from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

/** Debian's, which scripts/set-up installs for tests. */
const program = '/usr/bin/chromium';

/** Pictures of what a browser saw, by name; not in git. */
const pictures = path.resolve(import.meta.dirname, '../build/screenshots');

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

  async close(): Promise<void> {
    await this.#browser.close();
  }
}

/** What axe finds wrong, a line each; of the whole page, or within a selector. */
export async function axeViolations(page: Page): Promise<string[]> {
  // Not as an element: the page's policy takes no script that is not its own.
  await page.evaluate(`${axe.source};0`);
  const violations = (await page.evaluate(
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)",
  )) as Violation[];
  return violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map(({ target, failureSummary = '' }) => `${target.join(' ')} ${failureSummary.replaceAll('\n', ' ')}`).join(' | ')}`,
  );
}

/** Keeps how a page looks. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: path.join(pictures, `${name}.png`) });
}
