import test, { type ExecutionContext } from 'ava';
import type { Locator, Page } from 'playwright-core';
import { axeViolations, ofColours, picture } from '../../testing/browser.ts';
import { addUser, made } from '../admin/two-vaults.ts';
import { dialogOf, type ConsoleStage } from './stage.ts';

const ofVault = [
  ...['Overview', 'CloudKeys', 'Key sets', 'External key stores', 'KMS keys', 'CSP accounts'],
  ...['Audit log', 'Users', 'Admin groups', 'Single sign-on', 'Settings'],
];
const ofAppliance = [
  ...['Overview', 'Vaults', 'Tokens', 'Nodes', 'Audit log', 'Users', 'Single sign-on', 'Mail', 'About'],
];

/** What each role finds on the left, and what it is offered to do there. */
const roles = [
  {
    role: 'cloud-admin',
    vault: true,
    pages: [
      'Overview',
      'CloudKeys',
      'Key sets',
      'External key stores',
      'KMS keys',
      'CSP accounts',
      'Admin groups',
      'Single sign-on',
      'Settings',
    ],
    acts: ['Create CSP account', 'Create CloudKey', 'Create external key store', 'Create key set'],
  },
  { role: 'auditor', vault: true, pages: ofVault, acts: [] },
  { role: 'appliance-auditor', vault: false, pages: ofAppliance, acts: [] },
] as const;

const left = (page: Page) => page.getByRole('navigation', { name: 'Navigation' });

/** All of it has been answered. */
async function settled(page: Page): Promise<void> {
  await page.locator('main', { hasText: 'Loading' }).waitFor({ state: 'detached' });
}

/** Goes to each page by its link on the left; answers the buttons that begin an act, of all of them. */
async function walk(
  page: Page,
  names: readonly string[],
  look: (name: string) => Promise<void>,
): Promise<string[]> {
  const acts = new Set<string>();
  for (const name of names) {
    await left(page).getByRole('link', { name, exact: true }).click();
    await page.getByRole('heading', { level: 1, name }).waitFor();
    await settled(page);
    for (const text of await page.locator('main').getByRole('button').allTextContents())
      if (/^(Create |Edit|Set up|Freeze|Thaw|Issue|Remove|Delete|Verify|Actions)/.test(text)) acts.add(text);
    await look(name);
  }
  return [...acts].toSorted();
}

async function linksOf(page: Page): Promise<string[]> {
  await left(page).getByRole('link', { name: 'Overview', exact: true }).waitFor();
  const links = await left(page).getByRole('link').allTextContents();
  return links.filter((text) => text !== 'Vault' && text !== 'Appliance');
}

/** By day all rules, by night those of colours; and on a telephone what is wider scrolls within itself. */
async function looksWell(t: ExecutionContext, page: Page, names: readonly string[]): Promise<void> {
  const paths: string[] = [];
  await walk(page, names, async (name) => {
    paths.push(new URL(page.url()).pathname);
    t.deepEqual(await axeViolations(page), [], name);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.locator('body.awsui-dark-mode').waitFor();
    t.deepEqual(await axeViolations(page, ofColours), [], `${name}, dark`);
    await picture(page, `${name}, dark`);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.locator('body:not(.awsui-dark-mode)').waitFor();
  });
  await page.setViewportSize({ width: 390, height: 800 });
  for (const path of paths) {
    // As going back does, without loading all of it again.
    await page.evaluate(
      `history.pushState({}, '', ${JSON.stringify(path)}); dispatchEvent(new PopStateEvent('popstate')); 0`,
    );
    await page.getByRole('heading', { level: 1 }).waitFor();
    await settled(page);
    const width = Number(await page.evaluate('document.documentElement.scrollWidth'));
    t.true(width <= 390, `${path} is ${width} wide`);
    await picture(page, `${path.split('/').at(-1) ?? ''}, on a telephone`);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  // What a narrow window hides is there again in a wide one.
  await left(page).getByRole('link', { name: 'Overview', exact: true }).waitFor();
}

async function hasFocus(page: Page, target: Locator): Promise<boolean> {
  return (await target.and(page.locator(':focus')).count()) === 1;
}

/** Presses Tab until it has the focus. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    if (await hasFocus(page, target)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error('the Tab key does not come there');
}

export function testPages(open: () => ConsoleStage): void {
  test.serial(
    'no page has anything that axe finds, by day or by night, and each fits a telephone',
    async (t) => {
      const stage = open();
      const { page, browser } = stage;
      await looksWell(t, page, ofVault);
      const admin = await stage.as('', 'second', 'appliance-admin');
      const view = await admin.context.newPage();
      await view.goto(`${stage.origin}/console/appliance`);
      await looksWell(t, view, ofAppliance);
      await admin.context.close();
      t.deepEqual(browser.complaints, []);
    },
  );

  for (const { role, vault, pages, acts } of roles)
    test.serial(`a page is there for the ${role} who may see it, and offers what they may do`, async (t) => {
      const stage = open();
      const { context } = await stage.as(vault ? stage.vaultId : '', `a-${role}`, role);
      const refused: string[] = [];
      context.on('response', (answer) => {
        if (answer.status() === 403) refused.push(answer.url());
      });
      const page = await context.newPage();
      await page.goto(vault ? stage.home : `${stage.origin}/console/appliance`);
      t.deepEqual(await linksOf(page), [...pages]);
      t.deepEqual(await walk(page, pages, async () => undefined), [...acts]);
      // Nothing was even asked for that is not theirs to see.
      t.deepEqual(refused, []);
      await context.close();
    });

  test.serial('whoever is of another vault sees nothing of this one', async (t) => {
    const stage = open();
    const boss = await stage.as('', 'third', 'appliance-admin');
    const { context } = await stage.as(stage.vaultId, 'of-this', 'vault-admin');
    const page = await context.newPage();
    for (const elsewhere of [
      `${stage.origin}/console/appliance`,
      `${stage.origin}/console/vaults/another/cloud-keys`,
    ]) {
      await page.goto(elsewhere);
      await page.getByText('You are signed in elsewhere').waitFor();
    }
    const view = await boss.context.newPage();
    const asked: string[] = [];
    view.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await view.goto(`${stage.home}/cloud-keys`);
    await view.getByText('You are signed in elsewhere').waitFor();
    t.false((await view.content()).includes('picture-key'));
    // It was not even asked for.
    t.deepEqual(
      asked.filter((path) => path.startsWith(`/api/v1/vaults/${stage.vaultId}`)),
      [],
    );
    await Promise.all([context.close(), boss.context.close()]);
    stage.browser.complaints.length = 0;
  });

  test.serial('text that is markup, a link or written backwards is text on every page', async (t) => {
    const stage = open();
    const { story, browser } = stage;
    const markup = (what: string) => `${what}<img src=x onerror=alert(1)><a href="javascript:alert(2)">x</a>`;
    const boss = await stage.as('', 'fourth', 'appliance-admin');
    const appliance = await addUser(story.node, '', 'fifth', 'appliance-admin');
    const { id } = await made(appliance, '/vaults', {
      name: markup('vault'),
      administrator: { username: 'eve', name: markup('eve'), email: 'eve@example.com' },
    });
    const { client, group } = await story.vaultOf(await addUser(story.node, id, 'bob', 'vault-admin'), id);
    appliance.close();
    const root = `/vaults/${id}`;
    const text = markup('text');
    await client.change('PATCH', root, { description: text });
    await client.change('PATCH', `${root}/admin-groups/${group}`, {
      name: markup('group'),
      description: text,
    });
    await made(client, `${root}/users`, {
      ...{ username: 'mallory', displayName: markup('user'), email: 'mallory@example.com', role: 'auditor' },
    });
    const account = story.simulator.account('444455556666');
    const holdfast = await story.user({ ...account }, 'holdfast', { '*': ['kms:*', 'iam:*', 'sts:*'] });
    const csp = await made(client, `${root}/csp-accounts`, {
      ...{ name: markup('account'), description: text, adminGroupId: group, type: 'access-key' },
      ...{ defaultRegion: 'eu-central-1' },
      ...{ accessKeyId: holdfast.accessKeyId, secretAccessKey: holdfast.secretAccessKey },
    });
    const keySet = await made(client, `${root}/key-sets`, {
      ...{ name: 'marked', description: text, token: 'token', pathPrefix: 'marked-0123456789' },
      ...{ adminGroupId: group, cspAccountId: csp.id },
    });
    const key = await made(client, `${root}/cloud-keys`, {
      name: 'marked',
      description: text,
      keySetId: keySet.id,
    });
    await client.change(
      'POST',
      `${root}/key-sets/${keySet.id}/freeze`,
      { reason: text },
      `${root}/key-sets/${keySet.id}`,
    );
    const { context } = await stage.as(id, 'reader', 'vault-admin');
    const page = await context.newPage();
    const alerts: string[] = [];
    page.on('dialog', (dialog) => alerts.push(dialog.message()));
    const isText = async (name: string) => {
      const found = await page.evaluate(
        "document.querySelectorAll('[onerror], img[src=x], a[href^=javascript], script:not([src])').length",
      );
      t.is(found, 0, name);
    };
    await page.goto(`${stage.origin}/console/vaults/${id}`);
    const seen: string[] = [];
    await walk(page, ofVault, async (name) => {
      await isText(name);
      if ((await page.locator('main').innerText()).includes('<img src=x')) seen.push(name);
    });
    for (const one of [`cloud-keys/${key.id}`, `key-sets/${keySet.id}`, `csp-accounts/${csp.id}`]) {
      await page.goto(`${stage.origin}/console/vaults/${id}/${one}`);
      await page.getByText('text<img src=x').first().waitFor();
      await isText(one);
    }
    for (const one of ['CSP accounts', 'Admin groups', 'Settings']) t.true(seen.includes(one), one);
    const view = await boss.context.newPage();
    await view.goto(`${stage.origin}/console/appliance/vaults`);
    await view.getByText('vault<img src=x').first().waitFor();
    t.deepEqual(alerts, []);
    t.deepEqual(browser.complaints, []);
    client.close();
    await Promise.all([context.close(), boss.context.close()]);
  });

  test.serial('a key is disabled and enabled by the keyboard alone, and focus comes back', async (t) => {
    const { page, home } = open();
    await page.goto(`${home}/cloud-keys`);
    await page.getByRole('link', { name: 'picture-key' }).waitFor();
    await tabTo(page, page.getByRole('link', { name: 'picture-key' }));
    await page.keyboard.press('Enter');
    const disable = page.getByRole('button', { name: 'Disable', exact: true }).first();
    await disable.waitFor();
    await tabTo(page, disable);
    await page.keyboard.press('Enter');
    const dialog = dialogOf(page);
    await dialog.waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    t.true(await hasFocus(page, disable));
    await page.keyboard.press('Enter');
    await tabTo(page, dialog.getByRole('button', { name: 'Disable' }));
    await page.keyboard.press('Enter');
    const enable = page.getByRole('button', { name: 'Enable', exact: true });
    await enable.waitFor();
    await dialog.waitFor({ state: 'detached' });
    await tabTo(page, enable);
    await page.keyboard.press('Enter');
    await tabTo(page, dialog.getByRole('button', { name: 'Enable' }));
    await page.keyboard.press('Enter');
    await disable.waitFor();
    t.pass();
  });
}
