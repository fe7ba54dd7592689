import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import type { BrowserContext, Page } from 'playwright-core';
import { axeViolations, picture, TestBrowser } from '../../testing/browser.ts';
import { made, newPassword } from '../admin/two-vaults.ts';
import { Story } from '../story/stage.ts';
import { AdminClient } from '../support/admin-client.ts';

/*
 * The console in Debian's Chromium, from a node as set-up has built it. One test goes on where the one before it ended.
 */

let story: Story;
let browser: TestBrowser;
let ada: BrowserContext;
let page: Page;
let vaultId: string;
let firstPassword: string;
const password = newPassword();
let home: string;

test.before(async () => {
  [story, browser] = await Promise.all([
    Story.open({ config: '[admin.environment]\nlabel = "TEST of EMEA"\ncolor = "blue"\n' }),
    TestBrowser.start(),
  ]);
  const boss = await new AdminClient(story.node.admin).firstSignIn(story.node.admin, newPassword());
  ({ id: vaultId, firstPassword } = await made(boss, '/vaults', {
    // Each text field of the API is somebody's to fill in.
    name: '<img src=x onerror=alert(1)>',
    administrator: { username: 'ada', name: '"><script>alert(2)</script>', email: 'ada@example.com' },
  }));
  home = `${story.node.admin.endpoint}/console/vaults/${vaultId}`;
  ada = await browser.person();
  page = await ada.newPage();
});
test.after.always(async () => {
  await browser?.close();
  await story?.dispose();
});

test.serial(
  'a browser that asks for the appliance is sent to the console; a load balancer is told pong',
  async (t) => {
    const anonymous = await browser.person();
    const { endpoint } = story.node.admin;
    const probe = await anonymous.request.get(endpoint, { headers: { accept: '*/*' } });
    t.is(await probe.text(), 'pong\n');
    const visit = await anonymous.newPage();
    await visit.goto(endpoint);
    await visit.getByRole('heading', { name: 'Sign in to the appliance' }).waitFor();
    t.is(new URL(visit.url()).pathname, '/console/');
    // Before anybody has typed a password for it.
    await visit.getByRole('region', { name: 'Environment' }).getByText('TEST of EMEA').waitFor();
    await anonymous.close();
  },
);

test.serial('the page comes with a policy that lets in nothing but itself, and is not kept', async (t) => {
  const { endpoint } = story.node.admin;
  const answer = await ada.request.get(`${endpoint}/console/`);
  const headers = answer.headers();
  t.is(
    headers['content-security-policy'],
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self' data:; img-src 'self' data:; " +
      "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " +
      "require-trusted-types-for 'script'; trusted-types 'none'",
  );
  t.is(headers['cache-control'], 'no-store');
  t.is(headers['cross-origin-opener-policy'], 'same-origin');
  t.is(headers['x-frame-options'], 'DENY');
  const script = /src="(\/console\/assets\/[^"]+\.js)"/.exec(await answer.text())?.[1];
  const asset = await ada.request.get(`${endpoint}${script}`, { headers: { 'accept-encoding': 'br' } });
  t.is(asset.headers()['cache-control'], 'public, max-age=31536000, immutable');
  t.is(asset.headers()['content-encoding'], 'br');
  t.is(asset.headers()['x-content-type-options'], 'nosniff');
  for (const none of ['nothing.js', '..%2findex.html', 'index.html.br', '../inputs'])
    t.is(
      (await ada.request.get(`${endpoint}/console/assets/${none}`)).status() === 200,
      none === '../inputs',
      none,
    );
});

test.serial(
  'a wrong password is refused without a hint, the right one owes a new one, and then one is in',
  async (t) => {
    await page.goto(`${story.node.admin.endpoint}/sign-in/${vaultId}`);
    await page.getByLabel('Username').fill('ada');
    await page.getByLabel('Password').fill('not the right one');
    await page.keyboard.press('Enter');
    await page.getByText('which of these is not told').waitFor();
    t.deepEqual(await axeViolations(page), []);
    await page.getByLabel('Password').fill(firstPassword);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'A new password' }).waitFor();
    await page.getByLabel('Password', { exact: true }).fill(firstPassword);
    await page.getByLabel('New password', { exact: true }).fill(password);
    await page.getByLabel('New password, again').fill(password);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    t.is(page.url(), home);
    await page.getByRole('region', { name: 'Environment' }).getByText('TEST of EMEA').waitFor();
    // A name that is markup is a name.
    await page.getByRole('link', { name: '<img src=x onerror=alert(1)>' }).first().waitFor();
    t.deepEqual(await axeViolations(page), []);
    await picture(page, 'overview');
    t.deepEqual(browser.complaints, []);
  },
);

test.serial('no script reads the session, and a change without the CSRF token is refused', async (t) => {
  t.is(await page.evaluate('document.cookie'), '');
  t.is(await page.evaluate('JSON.stringify({ ...localStorage, ...sessionStorage })'), '{}');
  const cookies = await ada.cookies(story.node.admin.endpoint);
  t.like(cookies[0], { name: '__Host-holdfast-session', httpOnly: true, secure: true, sameSite: 'Strict' });
  // With its cookie and without its CSRF token.
  const answer = await ada.request.delete(`${story.node.admin.endpoint}/api/v1/session`);
  t.is(answer.status(), 403);
});

test.serial('another site cannot put the console into a frame', async (t) => {
  const other = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end(`<iframe src="${home}" width="900" height="600"></iframe>`);
  });
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const victim = await ada.newPage();
  // The browser says why.
  const said = victim.waitForEvent('console', (message) => /frame-ancestors 'none'/.test(message.text()));
  await victim.goto(`http://127.0.0.1:${port}/`);
  await said;
  t.is(await victim.frames()[1]?.locator('#root').count(), 0);
  await victim.close();
  other.close();
  browser.complaints.length = 0;
});

test.serial(
  'a session that ends while a dialog is open is begun again over it, and nothing typed is lost',
  async (t) => {
    await page.goto(`${home}/account/api-keys`);
    await page.getByRole('button', { name: 'Create API key' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'Create API key' });
    await dialog.getByLabel('Name').fill('terraform');
    // Elsewhere: an administrator, or time.
    await story.node.withStore(async (vault) => vault.vaultContext.store.db.deleteFrom('sessions').execute());
    const ended = page.getByRole('dialog', { name: 'Your session has ended' });
    await ended.waitFor();
    t.deepEqual(await axeViolations(page), []);
    await ended.getByLabel('Password').fill(password);
    await page.keyboard.press('Enter');
    await ended.waitFor({ state: 'detached' });
    t.is(await dialog.getByLabel('Name').inputValue(), 'terraform');
    await dialog.getByRole('button', { name: 'What it may do' }).click();
    await page.getByRole('option', { name: 'vault.read' }).click();
    await page.keyboard.press('Escape');
    await dialog.getByRole('button', { name: 'Create API key' }).click();
    const panel = page.getByRole('dialog', { name: 'API key terraform' });
    const secret = (await panel.getByText(/^hfk_/).textContent()) ?? '';
    t.regex(secret, /^hfk_[\w-]{22}_[\w-]{43}$/);
    t.deepEqual(await axeViolations(page), []);
    // It stays until somebody says that they have it.
    await page.keyboard.press('Escape');
    t.true(await panel.getByRole('button', { name: 'Done' }).isDisabled());
    await panel.getByLabel('I have it').check();
    await panel.getByRole('button', { name: 'Done' }).click();
    await panel.waitFor({ state: 'detached' });
    await page.goBack();
    await page.goForward();
    await page.getByText('terraform', { exact: true }).first().waitFor();
    t.false((await page.content()).includes(secret));
    t.deepEqual(browser.complaints, []);
  },
);

test.serial(
  'what no CloudKey is called is looked for in the list of all, and stands in its address',
  async (t) => {
    const search = page.getByRole('searchbox', { name: 'Find a CloudKey' });
    await search.fill('alias/nobody-has-it');
    await search.press('Enter');
    await page.getByText('Nothing matches').waitFor();
    const { searchParams } = new URL(page.url());
    t.is(searchParams.get('filter'), '["and",["",":","alias/nobody-has-it"]]');
    t.deepEqual(await axeViolations(page), []);
    t.deepEqual(browser.complaints, []);
  },
);

test.serial(
  'a role that somebody else has changed meanwhile is shown, and an edit leaves it as it is',
  async (t) => {
    const api = await new AdminClient(story.node.admin).signIn({ username: 'ada', password, vaultId });
    const grace = await made(api, `/vaults/${vaultId}/users`, {
      ...{ username: 'grace', email: 'grace@example.com', role: 'cloud-admin' },
    });
    await page.goto(`${home}/users`);
    await page.getByRole('button', { name: 'Actions: grace' }).click();
    await page.getByRole('menuitem', { name: 'Edit' }).click();
    const dialog = page.getByRole('dialog', { name: 'Edit grace' });
    await dialog.getByLabel('Full name').fill('Grace Hopper');
    const path = `/vaults/${vaultId}/users/${grace.id}`;
    t.is((await api.change('PATCH', path, { role: 'auditor' })).status, 200);
    await dialog.getByRole('button', { name: 'Save changes' }).click();
    await dialog.getByText('Auditor (when you opened it: Cloud administrator)').waitFor();
    t.deepEqual(await axeViolations(page), []);
    t.like((await api.get(path)).body, { role: 'auditor', displayName: 'grace' });
    await dialog.getByRole('button', { name: 'Do it all the same' }).click();
    await dialog.waitFor({ state: 'detached' });
    t.like((await api.get(path)).body, { role: 'auditor', displayName: 'Grace Hopper' });
    // The browser tells of each answer of 4xx.
    browser.complaints.length = 0;
  },
);

test.serial('an API key whose answer was lost is made once, and its secret is told as lost', async (t) => {
  await page.goto(`${home}/account/api-keys`);
  await page.getByRole('button', { name: 'Create API key' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Create API key' });
  await dialog.getByLabel('Name').fill('unheard');
  await dialog.getByRole('button', { name: 'What it may do' }).click();
  await page.getByRole('option', { name: 'vault.read' }).click();
  await page.keyboard.press('Escape');
  let lost = 0;
  await page.route('**/api/v1/user/api-keys', async (route) => {
    if (route.request().method() !== 'POST' || lost > 0) return route.fallback();
    lost += 1;
    await route.fetch();
    await route.abort();
  });
  await dialog.getByRole('button', { name: 'Create API key' }).click();
  await dialog.getByText('The node does not answer').waitFor();
  await dialog.getByRole('button', { name: 'Create API key' }).click();
  await page.getByText('API key unheard was created, but its secret was lost').waitFor();
  await page.unrouteAll();
  const api = await new AdminClient(story.node.admin).signIn({ username: 'ada', password, vaultId });
  const { items } = (await api.get('/user/api-keys')).body as { items: { name: string }[] };
  t.is(items.filter(({ name }) => name === 'unheard').length, 1);
  // The browser tells of the answer that was taken from it.
  browser.complaints.length = 0;
});
