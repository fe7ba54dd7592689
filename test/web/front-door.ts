import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { axeViolations } from '../../testing/browser.ts';
import { listenTls } from '../identity/oidc-stage.ts';
import { createApiKey, type ConsoleStage } from './stage.ts';

/** What a browser is given before anybody has signed in, and what keeps other sites out. */
export function testFrontDoor(open: () => ConsoleStage): void {
  test.serial(
    'a browser that asks for the appliance is sent to the console; a load balancer is told pong',
    async (t) => {
      const { browser, origin } = open();
      const anonymous = await browser.person();
      const probe = await anonymous.request.get(origin, { headers: { accept: '*/*' } });
      t.is(await probe.text(), 'pong\n');
      const visit = await anonymous.newPage();
      await visit.goto(origin);
      await visit.getByRole('heading', { name: 'Sign in to the appliance' }).waitFor();
      t.is(new URL(visit.url()).pathname, '/console/');
      // Before anybody has typed a password for it.
      await visit.getByRole('region', { name: 'Environment' }).getByText('TEST of EMEA').waitFor();
      await anonymous.close();
    },
  );

  test.serial('the page comes with a policy that lets in nothing but itself, and is not kept', async (t) => {
    const { browser, origin } = open();
    const anonymous = await browser.person();
    const answer = await anonymous.request.get(`${origin}/console/`);
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
    const asset = await anonymous.request.get(`${origin}${script}`, { headers: { 'accept-encoding': 'br' } });
    t.is(asset.headers()['cache-control'], 'public, max-age=31536000, immutable');
    t.is(asset.headers()['content-encoding'], 'br');
    t.is(asset.headers()['x-content-type-options'], 'nosniff');
    for (const none of ['nothing.js', '..%2findex.html', 'index.html.br', '../inputs'])
      t.is(
        (await anonymous.request.get(`${origin}/console/assets/${none}`)).status() === 200,
        none === '../inputs',
        none,
      );
    await anonymous.close();
  });
}

/** What keeps other sites and scripts away from a session that is there. */
export function testWalls(open: () => ConsoleStage): void {
  test.serial('no script reads the session, and a change without the CSRF token is refused', async (t) => {
    const { page, ada, origin } = open();
    t.is(await page.evaluate('document.cookie'), '');
    t.is(await page.evaluate('JSON.stringify({ ...localStorage, ...sessionStorage })'), '{}');
    const cookies = await ada.cookies(origin);
    t.like(cookies[0], {
      name: '__Host-holdfast-session',
      httpOnly: true,
      secure: true,
      sameSite: 'Strict',
    });
    // With its cookie and without its CSRF token.
    const answer = await ada.request.delete(`${origin}/api/v1/session`);
    t.is(answer.status(), 403);
  });

  test.serial('a page that a role does not include says so, and asks for nothing of it', async (t) => {
    const stage = open();
    const { vaultId, home, browser } = stage;
    const refused: string[] = [];
    for (const [role, page, offered] of [
      ['auditor', 'cloud-keys/create', 'Audit log'],
      ['auditor', 'key-sets/create', 'Users'],
      ['cloud-admin', 'users', 'CloudKeys'],
      ['cloud-admin', 'audit', 'CloudKeys'],
    ] as const) {
      const person = await browser.person();
      await stage.signedIn(person, vaultId, `${role}-of-${page.replace('/', '-')}`, role);
      person.on('response', (response) => {
        if (response.status() === 403) refused.push(response.url());
      });
      const view = await person.newPage();
      // However long the vault's name takes, nothing on the page is without one.
      const named = Promise.withResolvers<void>();
      await view.route(`**/api/v1/vaults/${vaultId}`, async (route) => {
        await named.promise;
        await route.continue();
      });
      await view.goto(`${home}/${page}`);
      await view.getByRole('heading', { name: 'Not for your role' }).waitFor();
      t.deepEqual(await axeViolations(view), []);
      named.resolve();
      await view.getByRole('link', { name: 'emea' }).first().waitFor();
      await view.unrouteAll({ behavior: 'wait' });
      await view.getByRole('link', { name: 'To the start' }).click();
      await view.getByRole('heading', { name: 'Overview' }).waitFor();
      await view.getByRole('link', { name: offered, exact: true }).first().waitFor();
      await person.close();
    }
    t.deepEqual(refused, []);
    t.deepEqual(browser.complaints, []);
  });

  test.serial('a page that is left while a secret is on it comes back without it', async (t) => {
    const { page, home, browser } = open();
    await page.goto(`${home}/account/api-keys`);
    await page.getByRole('link', { name: 'CloudKeys', exact: true }).click();
    await page.goBack();
    const { panel, secret } = await createApiKey(page, 'left-behind');
    t.regex(secret, /^hfk_/);
    // Until somebody has it, it is neither gone to another page from nor closed without a question.
    await page.goForward();
    await page.waitForURL(`${home}/account/api-keys`);
    await panel.getByText(secret).waitFor();
    const asks = page.waitForEvent('dialog');
    await page.close({ runBeforeUnload: true });
    await (await asks).dismiss();
    await panel.getByText(secret).waitFor();
    // What a browser says that keeps the page as it stands to show it again; this one is made to keep none.
    const says = async (event: string) =>
      page.evaluate(
        `setTimeout(() => window.dispatchEvent(new PageTransitionEvent('${event}', { persisted: true }))); 0`,
      );
    await says('pagehide');
    await panel.waitFor({ state: 'detached' });
    t.false((await page.content()).includes(secret));
    const loaded = page.waitForEvent('load');
    await says('pageshow');
    await loaded;
    await page.getByText('left-behind', { exact: true }).first().waitFor();
    t.false((await page.content()).includes(secret));
    t.deepEqual(browser.complaints, []);
  });

  test.serial('another site cannot put the console into a frame', async (t) => {
    const { ada, home, browser } = open();
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

  test.serial('a page on another port of this host reads nothing, and changes nothing', async (t) => {
    const { ada, origin, browser, story } = open();
    const other = await listenTls(story.node.ca);
    t.teardown(async () => other.close());
    other.handler = (_, response) => {
      response.setHeader('Content-Type', 'text/html');
      response.end('<title>Another</title>');
    };
    const victim = await ada.newPage();
    await victim.goto(other.origin);
    const api = `${origin}/api/v1`;
    const isSent = victim.waitForRequest((one) => one.url() === `${api}/user/api-keys`);
    const body = { name: 'stolen', scope: ['vault.read'], expiresAt: new Date(Date.now() + 60_000) };
    const told = await victim.evaluate(
      `(async ([api, body]) => {
        const ways = [
          ['/session', {}],
          ['/session', { method: 'DELETE', headers: { 'X-CSRF-Token': 'guessed' } }],
          // What a form of any page may send.
          ['/user/api-keys', { method: 'POST', mode: 'no-cors', body }],
        ];
        const asked = ways.map(([path, way]) => fetch(api + path, { credentials: 'include', ...way }));
        return (await Promise.allSettled(asked)).map(({ status, value }) => value?.type ?? status);
      })(${JSON.stringify([api, JSON.stringify(body)])})`,
    );
    t.deepEqual(told, ['rejected', 'rejected', 'opaque']);
    // To the browser it is the same site: the session's cookie goes along, or it were a 401, and helps nobody.
    t.is((await (await isSent).response())?.status(), 403);
    const keys = await ada.request.get(`${api}/user/api-keys`);
    t.is(keys.status(), 200);
    t.false((await keys.text()).includes('stolen'));
    await victim.close();
    // The browser tells of what it keeps from the other page.
    browser.complaints.length = 0;
  });
}
