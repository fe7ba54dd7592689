import type { BrowserContext, Locator, Page } from 'playwright-core';
import { sessionCookie } from '../../src/identity/bearer.ts';
import type { Role } from '../../src/store/schema.ts';
import { openSession } from '../../src/identity/sessions.ts';
import { insertUser, newUser } from '../../src/identity/users.ts';
import { byHand } from '../../testing/by-hand.ts';
import { freePort } from '../../testing/free-port.ts';
import { TestBrowser } from '../../testing/browser.ts';
import { newPassword } from '../admin/two-vaults.ts';
import { Story } from '../story/stage.ts';
import { AdminClient } from '../support/admin-client.ts';

/** One node, one AWS and one browser for all tests of the console: starting them takes longer than most of the tests. */
export class ConsoleStage {
  readonly story: Story;
  readonly browser: TestBrowser;
  /** Of the appliance's administrator and of Ada, who administers the vault. */
  readonly passwords = { admin: newPassword(), ada: newPassword() };
  /** Set by the guide, once the vault is there. */
  vaultId = '';
  #page: Page | undefined;
  #ada: BrowserContext | undefined;

  private constructor(story: Story, browser: TestBrowser) {
    this.story = story;
    this.browser = browser;
  }

  static async open(): Promise<ConsoleStage> {
    // A node that comes back is where it was.
    const adminPort = await freePort();
    const [story, browser] = await Promise.all([
      Story.open({
        adminPort,
        config: '[admin.environment]\nlabel = "TEST of EMEA"\ncolor = "blue"\n',
      }),
      TestBrowser.start(),
    ]);
    return new ConsoleStage(story, browser);
  }

  get origin(): string {
    return this.story.node.admin.endpoint;
  }

  /** The vault's pages. */
  get home(): string {
    return `${this.origin}/console/vaults/${this.vaultId}`;
  }

  /** Ada's browser, in which one test goes on where the one before it ended. */
  get page(): Page {
    if (this.#page === undefined) throw new Error('nobody has opened the vault yet');
    return this.#page;
  }

  get ada(): BrowserContext {
    if (this.#ada === undefined) throw new Error('nobody has opened the vault yet');
    return this.#ada;
  }

  async openAda(): Promise<Page> {
    this.#ada = await this.browser.person();
    this.#page = await this.#ada.newPage();
    return this.#page;
  }

  /** Ada, as a program of hers. */
  async adasClient(): Promise<AdminClient> {
    const { admin } = this.story.node;
    const signIn = { username: 'ada', password: this.passwords.ada, vaultId: this.vaultId };
    return new AdminClient(admin).signIn(signIn);
  }

  /**
   * A browser becomes that of somebody of this role: as with {@link addUser}, how people sign in is tested where that is the
   * matter.
   */
  async signedIn(
    context: BrowserContext,
    vaultId: string,
    username: string,
    role: Role,
    userAgent = 'test',
  ): Promise<{ userId: string }> {
    const { node } = this.story;
    const { token, user } = await node.withStore(async ({ vaultContext, act }) =>
      vaultContext.store.write(byHand, async (trx) => {
        const input = { username, email: `${username}@example.com`, role };
        const added = await insertUser(trx, act(), {
          ...newUser(vaultContext, vaultId, input),
          must_change_password: 0,
        });
        const limits = { idleMinutes: 15, maxMinutes: 60 };
        const from = { method: 'password', cookie: true, address: '127.0.0.1', userAgent } as const;
        return openSession(trx, { context: vaultContext, limits }, act(), added, from);
      }),
    );
    await context.addCookies([
      {
        ...{ name: sessionCookie, value: token.reveal(), url: this.origin },
        ...{ httpOnly: true, secure: true, sameSite: 'Strict' },
      },
    ]);
    return { userId: user.id };
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.story.dispose();
  }
}

/** The one dialog that is open. */
export function dialogOf(page: Page): Locator {
  return page.getByRole('dialog');
}

/** Opens a select and takes an option. */
export async function choose(where: Locator, label: string | RegExp, option: string | RegExp): Promise<void> {
  await where.getByRole('button', { name: label }).click();
  await where.page().getByRole('option', { name: option }).first().click();
}

/** Enter is for the field that was filled, whatever has taken the focus meanwhile: a dialog does so once it is drawn. */
export async function typeAndEnter(field: Locator, text: string): Promise<void> {
  await field.fill(text);
  await field.press('Enter');
}

/** In the dialog that makes an API key: one permission, and its list closed again. */
export async function chooseScope(page: Page): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: 'What it may do' }).click();
  const option = page.getByRole('option', { name: 'vault.read' });
  await option.click();
  await page.keyboard.press('Escape');
  await option.waitFor({ state: 'hidden' });
}

/** What somebody does whom the page asks for name and password. */
export async function signIn(page: Page, username: string, password: string): Promise<void> {
  await page.getByLabel('Username').fill(username);
  await typeAndEnter(page.getByLabel('Password'), password);
}

/** The password that was given to somebody becomes one of their own. */
export async function choosePassword(page: Page, given: string, own: string): Promise<void> {
  await page.getByRole('heading', { name: 'A new password' }).waitFor();
  await page.getByLabel('Password', { exact: true }).fill(given);
  await page.getByLabel('New password', { exact: true }).fill(own);
  await typeAndEnter(page.getByLabel('New password, again'), own);
}

/** Whoever comes back to a tab sees how it is now: no test waits for the next look. */
export async function lookAgain(page: Page): Promise<void> {
  await page.evaluate("window.dispatchEvent(new Event('visibilitychange')); 0");
}

/** Asks for an API key on the page of them; its panel is shown, with the secret. */
export async function createApiKey(page: Page, name: string): Promise<{ panel: Locator; secret: string }> {
  await page.getByRole('button', { name: 'Create API key' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Create API key' });
  await dialog.getByLabel('Name').fill(name);
  await chooseScope(page);
  await dialog.getByRole('button', { name: 'Create API key' }).click();
  const panel = page.getByRole('dialog', { name: `API key ${name}` });
  return { panel, secret: (await panel.getByText(/^hfk_/).textContent()) ?? '' };
}
