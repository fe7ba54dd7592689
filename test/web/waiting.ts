import test from 'ava';
import type { Page } from 'playwright-core';
import { axeViolations, picture } from '../../testing/browser.ts';
import { made } from '../admin/two-vaults.ts';
import { dialogOf, type ConsoleStage } from './stage.ts';

const everywhere = 'It is in force on every node.';
/** Of the change that is waited for. */
const revision = '1207.mZ1x3vTq8LkcR0aW';
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
      headers: { 'Holdfast-Revision': revision },
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
  await page
    .getByText('It is done, and on its way to every node', { exact: true })
    .waitFor({ state: 'detached' });
}

/** What somebody sees who takes something away while a node of the fleet does not answer; the node under test has no others. */
export function testWaiting(open: () => ConsoleStage): void {
  test.serial('an act that a node has not confirmed is done, and its page waits for that node', async (t) => {
    const { page, browser } = open();
    const dialog = dialogOf(page);
    let told: object | Promise<object> = standing.one;
    const asked: (string | null)[] = [];
    await page.route(/\/api\/v1\/in-force(\?|$)/, async (route) => {
      asked.push(new URL(route.request().url()).searchParams.get('revision'));
      await route.fulfill({ json: await told });
    });
    await holdUp(page, 'POST', /\/disable$/);
    const disable = async () => {
      await page.getByRole('button', { name: 'Disable', exact: true }).click();
      await dialog.getByRole('button', { name: 'Disable' }).click();
      await dialog.waitFor({ state: 'detached' });
    };
    await page.getByRole('link', { name: 'CloudKeys', exact: true }).first().click();
    await page.getByRole('link', { name: 'picture-key', exact: true }).click();
    await disable();
    await page.getByText('It is done, and on its way to every node', { exact: true }).first().waitFor();
    await page.getByText('In force on 1 of 2 nodes.').waitFor();
    await page.getByText('Waits for node host-b: for 4 s at most').waitFor();
    await page.getByText('Disabled', { exact: true }).first().waitFor();
    await picture(page, 'a disable that waits for a node');
    t.deepEqual(await axeViolations(page), []);
    told = standing.none;
    await page.getByText(everywhere, { exact: true }).first().waitFor();
    await dismiss(page);

    // What was answered of the first says nothing of the second.
    await page.getByRole('button', { name: 'Enable', exact: true }).click();
    await dialog.getByRole('button', { name: 'Enable' }).click();
    await dialog.waitFor({ state: 'detached' });
    const later = Promise.withResolvers<object>();
    told = later.promise;
    await disable();
    await page.getByText('It is done, and on its way to every node', { exact: true }).first().waitFor();
    await page.getByText(/^(Asking the nodes|It is in force on every node\.)$/).waitFor();
    t.is(await page.getByText(everywhere, { exact: true }).count(), 0);
    later.resolve(standing.one);
    await page.getByText('Waits for node host-b').waitFor();
    told = standing.none;
    await page.getByText(everywhere, { exact: true }).first().waitFor();
    await dismiss(page);
    await page.unrouteAll({ behavior: 'wait' });
    await page.getByRole('button', { name: 'Enable', exact: true }).click();
    await dialog.getByRole('button', { name: 'Enable' }).click();
    await dialog.waitFor({ state: 'detached' });
    t.deepEqual([...new Set(asked)], [revision]);
    // The browser tells of each 503.
    browser.complaints.length = 0;
  });

  test.serial('what follows an act follows it, whether a node has confirmed it or not', async (t) => {
    const stage = open();
    const { page, home, vaultId, browser } = stage;
    const dialog = dialogOf(page);
    const api = await stage.adasClient();
    await page.route(/\/api\/v1\/in-force(\?|$)/, async (route) => route.fulfill({ json: standing.none }));
    const done = page.getByText('It is done, and on its way to every node', { exact: true });

    await holdUp(page, 'PATCH', /\/cloud-keys\/[\w-]+$/);
    const keyPage = page.url();
    const description = page.getByLabel('Description');
    for (const text of ['Once', 'Twice']) {
      await page.getByRole('button', { name: 'Actions', exact: true }).click();
      await page.getByRole('menuitem', { name: 'Edit' }).click();
      await description.fill(text);
      if (text === 'Once') {
        // What was typed is not lost by a press on something else.
        await page.getByRole('link', { name: 'Key sets', exact: true }).first().click();
        await dialog.getByRole('button', { name: 'Stay' }).click();
        await dialog.waitFor({ state: 'detached' });
        const asks = page.waitForEvent('dialog');
        await page.close({ runBeforeUnload: true });
        await (await asks).dismiss();
        t.is(await description.inputValue(), text);
      }
      await page.getByRole('button', { name: 'Save changes' }).click();
      await page.waitForURL(keyPage);
      await done.first().waitFor();
      await page.getByText(text, { exact: true }).first().waitFor();
      await dismiss(page);
    }

    const remove = async (name: string, list: string) => {
      await page.getByRole('button', { name: 'Actions', exact: true }).click();
      await page.getByRole('menuitem', { name: 'Delete' }).click();
      await dialog.getByLabel(`To confirm, type ${name}`).fill(name);
      await dialog.getByRole('button', { name: 'Delete', disabled: false }).click();
      await page.waitForURL(`${home}/${list}`);
      await done.first().waitFor();
      t.is(await page.getByText('There is nothing at this address').count(), 0);
      await dismiss(page);
    };
    const path = `/vaults/${vaultId}/key-sets`;
    const named = { token: 'token', pathPrefix: 'short-lived' };
    const keySet = await made(api, path, { name: 'short-lived', ...named });
    await made(api, `${path}/${keySet.id}/external-key-stores`, {
      ...{ name: 'by-hand', region: 'eu-central-1', uriEndpoint: 'https://xks.example.com' },
    });
    await page.getByRole('link', { name: 'External key stores', exact: true }).first().click();
    await page.getByRole('link', { name: 'by-hand', exact: true }).click();
    await holdUp(page, 'DELETE', /\/external-key-stores\/[\w-]+(\?|$)/);
    await remove('by-hand', 'external-key-stores');
    await holdUp(page, 'DELETE', /\/key-sets\/[\w-]+$/);
    await page.getByRole('link', { name: 'Key sets', exact: true }).first().click();
    await page.getByRole('link', { name: 'short-lived', exact: true }).click();
    await remove('short-lived', 'key-sets');
    await page.unrouteAll({ behavior: 'wait' });
    browser.complaints.length = 0;
  });

  test.serial('several CloudKeys are disabled, rotated and deleted at once', async (t) => {
    const stage = open();
    const { page, browser, vaultId } = stage;
    const dialog = dialogOf(page);
    const api = await stage.adasClient();
    const vault = `/vaults/${vaultId}`;
    const { id: keySetId } = await made(api, `${vault}/key-sets`, {
      ...{ name: 'several', token: 'token', pathPrefix: 'several', externalKeyStore: false },
    });
    for (const name of ['one-of-two', 'two-of-two'])
      await made(api, `${vault}/cloud-keys`, { keySetId, name, region: 'eu-central-1' });
    await page.route(/\/disable$/, async (route) => {
      const response = await route.fetch();
      const told = { 'holdfast-in-force': 'nodes=3, confirmed=3, ended=0, milliseconds=120' };
      await route.fulfill({ response, headers: { ...response.headers(), ...told } });
    });
    await page.getByRole('link', { name: 'CloudKeys', exact: true }).first().click();
    for (const name of ['one-of-two', 'two-of-two'])
      await page.getByRole('checkbox', { name: `Select ${name}` }).check();
    const begin = async (name: string) => {
      await page.getByRole('button', { name: 'Actions', exact: true }).click();
      await page.getByRole('menuitem', { name }).click();
    };
    const act = async (name: string) => {
      await begin(name);
      await dialog.getByRole('button', { name }).click();
      await dialog.waitFor({ state: 'detached' });
      await page.getByText('2 of 2 done').first().waitFor();
    };
    await act('Disable');
    await page.getByText('In force on 3 of 3 nodes, after 0.1 s.').first().waitFor();
    await page.unrouteAll({ behavior: 'wait' });
    // Only what is available is rotated.
    await page.getByRole('button', { name: 'Actions', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Rotate now', disabled: true }).waitFor();
    await page.keyboard.press('Escape');
    await act('Enable');
    await act('Rotate now');
    await begin('Delete…');
    await dialog.getByText('holdfast cloud-key delete two-of-two').waitFor();
    await picture(page, 'delete two CloudKeys');
    t.deepEqual(await axeViolations(page), []);
    await dialog.getByLabel('To confirm, type delete 2 CloudKeys').fill('delete 2 CloudKeys');
    await dialog.getByRole('button', { name: 'Schedule deletion', disabled: false }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('Pending deletion').nth(1).waitFor();
    const { body } = await api.get(`${vault}/cloud-keys?keySetId=${keySetId}`);
    t.deepEqual(
      (body as { items: { state: string; currentVersion: number }[] }).items.map(
        ({ state, currentVersion }) => [state, currentVersion],
      ),
      [
        ['PENDING_DELETION', 2],
        ['PENDING_DELETION', 2],
      ],
    );
    t.deepEqual(browser.complaints, []);
  });
}
