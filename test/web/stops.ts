import { randomUUID } from 'node:crypto';
import test from 'ava';
import { axeViolations, picture } from '../../testing/browser.ts';
import { addUser } from '../admin/two-vaults.ts';
import { dialogOf, lookAgain, type ConsoleStage } from './stage.ts';

/** What stops much at once, by its own people and by those of the appliance; and what of nodes and HSMs these look after. */
export function testStops(open: () => ConsoleStage): void {
  test.serial('key sets are frozen and thawed together, and a credential is given an end', async (t) => {
    const stage = open();
    const { page, home, vaultId, browser } = stage;
    const api = await stage.adasClient();
    const dialog = dialogOf(page);
    const states = async () => {
      const { body } = await api.get(`/vaults/${vaultId}/key-sets?sort=name`);
      const { items } = body as { items: { name: string; state: string }[] };
      return items.flatMap(({ name, state }) => (['pictures', 'wages'].includes(name) ? [state] : []));
    };
    await page.goto(`${home}/key-sets`);
    await page.getByRole('link', { name: 'wages', exact: true }).waitFor();
    const act = async (verb: 'Freeze' | 'Thaw') => {
      await page.getByRole('button', { name: 'Actions', exact: true }).click();
      await page.getByRole('menuitem', { name: verb }).click();
      await dialog.getByText(`holdfast key-set ${verb.toLowerCase()} pictures wages`).waitFor();
      await dialog.getByRole('button', { name: verb, exact: true }).click();
      await dialog.waitFor({ state: 'detached' });
    };
    const select = async () => {
      for (const name of ['pictures', 'wages'])
        await page.getByRole('checkbox', { name: `Select ${name}`, exact: true }).check();
    };
    await select();
    await act('Freeze');
    await page.getByText('2 key sets frozen: no request for one of their keys succeeds').waitFor();
    t.deepEqual(await states(), ['FROZEN', 'FROZEN']);

    // What needs attention leads to what it is on, which says so too, and its command is to be had.
    const strip = page.getByRole('region', { name: 'What needs attention' });
    const thaw = 'holdfast key-set thaw pictures';
    await strip.getByRole('button', { name: `Copy: ${thaw}` }).click();
    await strip.getByRole('button', { name: `Copied: ${thaw}` }).waitFor();
    t.is(await page.evaluate('navigator.clipboard.readText()'), thaw);
    await strip.getByRole('link', { name: 'key set pictures' }).waitFor();
    await strip.getByRole('link', { name: 'key set wages' }).click();
    await page.getByRole('heading', { level: 1, name: 'wages' }).waitFor();
    await page.locator('main').getByText('2 key sets frozen: pictures, wages.').waitFor();
    await picture(page, 'what needs attention, on the page of what it is on');
    t.deepEqual(await axeViolations(page), []);
    await page.goBack();
    await select();
    await act('Thaw');
    await page.getByText('2 key sets thawed').waitFor();
    t.deepEqual(await states(), ['ACTIVE', 'ACTIVE']);

    await page.getByRole('link', { name: 'pictures', exact: true }).click();
    await page.getByRole('tab', { name: 'XKS credentials' }).click();
    // The one that was rotated says so, and is not rotated twice.
    await page.getByText('Live, being replaced').first().waitFor();
    await page
      .getByRole('row', { name: /being replaced/ })
      .first()
      .getByRole('button', { name: /^Actions: / })
      .click();
    t.is(await page.getByRole('menuitem', { name: 'Rotate' }).count(), 0);
    await page.getByRole('menuitem', { name: 'Edit' }).click();
    await dialog.getByRole('button', { name: 'In 90 days' }).click();
    await dialog.getByLabel(/^The old one retires|^Retires after/).fill('77');
    await dialog.getByText('--expires 90d --retire-after-quiet 77min').waitFor();
    await picture(page, 'edit a credential');
    t.deepEqual(await axeViolations(page), []);
    await dialog.getByRole('button', { name: 'Save changes' }).click();
    await page.getByText('it retires after 77 minutes of silence').waitFor();
    t.deepEqual(browser.complaints, []);
  });

  test.serial(
    'the appliance stops every vault by two clicks and a word, and a vault says who ends it',
    async (t) => {
      const stage = open();
      const { page: ada, home, vaultId, browser, story, origin } = stage;
      const admin = await browser.person();
      await stage.signedIn(admin, '', 'of-stops', 'appliance-admin');
      const page = await admin.newPage();
      const dialog = dialogOf(page);
      await page.goto(`${origin}/console/appliance/nodes`);
      await page.locator('main table').getByRole('link').first().click();
      await page.getByText('SQLite, a file of this node').waitFor();
      await page.getByRole('heading', { name: 'Token token' }).waitFor();
      await picture(page, 'a node');

      await page.getByRole('link', { name: 'Vaults', exact: true }).click();
      await page.getByRole('button', { name: 'Freeze every vault' }).click();
      const freeze = dialog.getByRole('button', { name: 'Freeze every vault' });
      t.true(await freeze.isDisabled());
      await dialog.getByLabel('Reason').fill('INC-4711');
      await dialog.getByText('holdfast vault freeze --all --reason INC-4711').waitFor();
      await dialog.getByLabel('To confirm, type freeze').fill('freeze');
      await picture(page, 'freeze every vault');
      t.deepEqual(await axeViolations(page), []);
      await freeze.click();
      await page.getByText(/^\d vaults? frozen: no request for any of their keys succeeds/).waitFor();
      // There is nothing left to freeze.
      await page.getByRole('button', { name: 'Freeze every vault' }).waitFor({ state: 'detached' });

      await ada.goto(`${home}/settings`);
      await ada.getByText('For the vault’s administrators to end').waitFor();
      const boss = await addUser(story.node, '', 'boss-of-stops', 'appliance-admin');
      const vault = `/vaults/${vaultId}`;
      t.is((await boss.request('POST', `${vault}/freeze`, { body: {}, ifMatch: '*' })).status, 200);
      await lookAgain(ada);
      await ada.getByText('before they and the administrators of the vault have both thawed it').waitFor();
      await ada.getByText('For the appliance’s administrators to end').waitFor();
      await picture(ada, 'a vault frozen by the appliance');
      const api = await stage.adasClient();
      for (const one of [api, boss])
        t.is((await one.request('POST', `${vault}/thaw`, { body: {}, ifMatch: '*' })).status, 200);
      await lookAgain(ada);
      await ada.getByText('Active', { exact: true }).waitFor();

      // An HSM that was replaced, and is erased by now.
      const id = randomUUID();
      await story.node.withStore(async ({ vaultContext }) =>
        vaultContext.store.db
          .insertInto('replaced_tokens')
          .values({ id, token: 'token', serials: '["0a1b"]', replaced_at: '2026-01-02T00:00:00.000Z' })
          .execute(),
      );
      await page.goto(`${origin}/console/appliance/tokens/token`);
      await page.getByRole('button', { name: 'Record as erased: 0a1b' }).click();
      await dialog.getByText(`holdfast token record-erased token ${id}`).waitFor();
      await dialog.getByLabel('To confirm, type 0a1b').fill('0a1b');
      await dialog.getByRole('button', { name: 'Record as erased' }).click();
      await page.getByText('0a1b is on record as erased').waitFor();
      await page.getByRole('button', { name: 'Record as erased: 0a1b' }).waitFor({ state: 'detached' });
      await page
        .getByText(/^Management process: (?:ready|busy) \(process \d+\)$/)
        .first()
        .waitFor();
      await page
        .getByText(/^XKS worker 0: (?:ready|busy) \(process \d+\)$/)
        .first()
        .waitFor();
      await page.getByText('Holdfast draws the IV from the token (C_GenerateRandom)').waitFor();
      boss.close();
      await admin.close();
      t.deepEqual(browser.complaints, []);
    },
  );
}
