import test from 'ava';
import type { Page } from 'playwright-core';
import { axeViolations, picture } from '../../testing/browser.ts';
import { made } from '../admin/two-vaults.ts';
import { dialogOf, type ConsoleStage } from './stage.ts';

const everywhere = 'It is in force on every node.';
const standing = {
  none: { inForce: true, nodes: 2, confirmed: 2, ended: 0, waiting: [] },
  one: {
    ...{ inForce: false, nodes: 2, confirmed: 1, ended: 0 },
    waiting: [{ nodeId: 'node-b', hostname: 'host-b', seconds: 3.2 }],
  },
};

/** What the node does is done; its answer is that of a fleet in which a node has not confirmed it yet. */
async function holdUp(page: Page, method: string, address: RegExp): Promise<void> {
  await page.route(address, async (route) => {
    if (route.request().method() !== method) return route.fallback();
    const response = await route.fetch();
    if (!response.ok()) return route.fulfill({ response });
    await route.fulfill({
      status: 503,
      contentType: 'application/problem+json',
      body: JSON.stringify({
        ...{ type: 'urn:holdfast:problem:not-in-force', status: 503, title: 'Not in force everywhere' },
        detail:
          'It is done, and in force on 1 of 2 nodes; still waiting for node node-b (host-b), for 4 s at most',
      }),
    });
  });
}

/** The flash on top is taken away. */
async function dismiss(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Dismiss' }).first().click();
  await page.getByText('It is done, and on its way to every node').waitFor({ state: 'detached' });
}

/** What somebody sees who takes something away while a node of the fleet does not answer; the node under test has no others. */
export function testWaiting(open: () => ConsoleStage): void {
  test.serial('an act that a node has not confirmed is done, and its page waits for that node', async (t) => {
    const { page, browser } = open();
    const dialog = dialogOf(page);
    let told: object | Promise<object> = standing.one;
    await page.route(/\/api\/v1\/in-force(\?|$)/, async (route) => route.fulfill({ json: await told }));
    await holdUp(page, 'POST', /\/disable$/);
    const disable = async () => {
      await page.getByRole('button', { name: 'Disable', exact: true }).click();
      await dialog.getByRole('button', { name: 'Disable' }).click();
      await dialog.waitFor({ state: 'detached' });
    };
    await page.getByRole('link', { name: 'CloudKeys', exact: true }).click();
    await page.getByRole('link', { name: 'picture-key', exact: true }).click();
    await disable();
    await page.getByText('It is done, and on its way to every node').first().waitFor();
    await page.getByText('In force on 1 of 2 nodes.').waitFor();
    await page.getByText('Waits for node host-b: for 4 s at most').waitFor();
    await page.getByText('Disabled', { exact: true }).first().waitFor();
    await picture(page, 'a disable that waits for a node');
    t.deepEqual(await axeViolations(page), []);
    told = standing.none;
    await page.getByText(everywhere).first().waitFor();
    await dismiss(page);

    // What was answered of the first says nothing of the second.
    await page.getByRole('button', { name: 'Enable', exact: true }).click();
    await dialog.getByRole('button', { name: 'Enable' }).click();
    await dialog.waitFor({ state: 'detached' });
    const asked = Promise.withResolvers<object>();
    told = asked.promise;
    await disable();
    await page.getByText('It is done, and on its way to every node').first().waitFor();
    await page.getByText(/^(Asking the nodes|It is in force on every node\.)$/).waitFor();
    t.is(await page.getByText(everywhere).count(), 0);
    asked.resolve(standing.one);
    await page.getByText('Waits for node host-b').waitFor();
    told = standing.none;
    await page.getByText(everywhere).first().waitFor();
    await dismiss(page);
    await page.unrouteAll({ behavior: 'wait' });
    await page.getByRole('button', { name: 'Enable', exact: true }).click();
    await dialog.getByRole('button', { name: 'Enable' }).click();
    await dialog.waitFor({ state: 'detached' });
    // The browser tells of each 503.
    browser.complaints.length = 0;
  });

  test.serial('what follows an act follows it, whether a node has confirmed it or not', async (t) => {
    const stage = open();
    const { page, home, vaultId, browser } = stage;
    const dialog = dialogOf(page);
    const api = await stage.adasClient();
    await page.route(/\/api\/v1\/in-force(\?|$)/, async (route) => route.fulfill({ json: standing.none }));
    const done = page.getByText('It is done, and on its way to every node');

    await holdUp(page, 'PATCH', /\/cloud-keys\/[\w-]+$/);
    const keyPage = page.url();
    const description = page.getByLabel('Description');
    for (const text of ['Once', 'Twice']) {
      await page.getByRole('button', { name: 'Actions', exact: true }).click();
      await page.getByRole('menuitem', { name: 'Edit' }).click();
      await description.fill(text);
      await page.getByRole('button', { name: 'Save changes' }).click();
      await page.waitForURL(keyPage);
      await done.first().waitFor();
      await page.getByText(text, { exact: true }).first().waitFor();
      await dismiss(page);
    }

    await made(api, `/vaults/${vaultId}/key-sets`, {
      ...{ name: 'short-lived', token: 'token', pathPrefix: 'short-lived' },
    });
    await holdUp(page, 'DELETE', /\/key-sets\/[\w-]+$/);
    await page.getByRole('link', { name: 'Key sets', exact: true }).click();
    await page.getByRole('link', { name: 'short-lived', exact: true }).click();
    await page.getByRole('button', { name: 'Actions', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await dialog.getByLabel('To confirm, type short-lived').fill('short-lived');
    await dialog.getByRole('button', { name: 'Delete', disabled: false }).click();
    await page.waitForURL(`${home}/key-sets`);
    await done.first().waitFor();
    t.is(await page.getByText('There is nothing at this address').count(), 0);
    await dismiss(page);
    await page.unrouteAll({ behavior: 'wait' });
    browser.complaints.length = 0;
  });

  test.serial('several CloudKeys are disabled at once, and it is told on how many nodes', async (t) => {
    const { page, browser } = open();
    const dialog = dialogOf(page);
    await page.route(/\/disable$/, async (route) => {
      const response = await route.fetch();
      const headers = {
        ...response.headers(),
        'holdfast-in-force': 'nodes=3, confirmed=3, ended=0, milliseconds=120',
      };
      await route.fulfill({ response, headers });
    });
    await page.getByRole('link', { name: 'CloudKeys', exact: true }).click();
    const act = async (name: string) => {
      await page.getByRole('button', { name: 'Actions', exact: true }).click();
      await page.getByRole('menuitem', { name }).click();
      await dialog.getByRole('button', { name }).click();
      await dialog.waitFor({ state: 'detached' });
    };
    await page.getByRole('checkbox', { name: 'Select picture-key' }).check();
    await act('Disable');
    await page.getByText('In force on 3 of 3 nodes, after 0.1 s.').waitFor();
    await page.unrouteAll({ behavior: 'wait' });
    await act('Enable');
    await page.getByText('1 of 1 done').waitFor();
    t.deepEqual(browser.complaints, []);
  });
}
