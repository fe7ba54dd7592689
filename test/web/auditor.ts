import test from 'ava';
import { sql } from 'kysely';
import { axeViolations, picture } from '../../testing/browser.ts';
import { dialogOf, typeAndEnter, type ConsoleStage } from './stage.ts';

/** More than a page is shown of at first. */
const noise = 600;

/** What an auditor is asked: who did this, when the trail is longer than anybody reads. */
export function testAuditor(open: () => ConsoleStage): void {
  test.serial(
    'an event that is far down the trail is found by its properties, and its address opens it',
    async (t) => {
      const stage = open();
      const { story, browser, vaultId, home } = stage;
      await story.node.withStore(async ({ vaultContext }) =>
        sql`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${noise})
          INSERT INTO audit_events (at, vault_id, actor_kind, actor_id, actor_name, address, request_id, action, outcome,
            target_kind, target_id, target_name)
          SELECT ${new Date().toISOString()}, ${vaultId}, 'api-key', 'id-of-noise', 'noise', '192.0.2.1', 'noise-' || i,
            'cloud-key.update', 'done', 'cloud-key', 'id-of-' || i, 'key-' || i FROM n`.execute(
          vaultContext.store.db,
        ),
      );
      const person = await browser.person();
      await stage.signedIn(person, vaultId, 'of-the-trail', 'auditor');
      const page = await person.newPage();
      await page.goto(`${home}/audit`);
      await page.getByText('search the whole list').waitFor();
      const filter = page.locator('main').getByRole('combobox', { name: 'Find' });
      const found = page.getByRole('button', { name: /^Show: csp-account\.create/ }).first();

      // In all that there are.
      await typeAndEnter(filter, 'What = csp-account.create');
      await found.waitFor();
      await page.getByText('The whole list was searched.').waitFor();
      await page
        .getByText(/^\d+ match(?:es)?$/)
        .first()
        .waitFor();
      t.is(new URL(page.url()).searchParams.get('filter'), '["and",["by-action","=","csp-account.create"]]');
      await page.getByRole('button', { name: 'When All times' }).click();
      await page.getByRole('radio', { name: 'Last 24 hours' }).check();
      await page.getByRole('button', { name: 'Apply' }).click();
      await found.waitFor();
      t.is(new URL(page.url()).searchParams.get('from'), '24h');
      await page.getByRole('button', { name: 'Download', exact: true }).click();
      const dialog = dialogOf(page);
      await dialog
        .getByText('holdfast --json audit list --all --action csp-account.create --from 24h', { exact: true })
        .waitFor();
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      await dialog.waitFor({ state: 'detached' });

      await found.click();
      await dialog.getByText(/^holdfast --json audit list --sequence \d+$/).waitFor();
      await picture(page, 'an event of the audit log');
      t.deepEqual(await axeViolations(page), []);
      const sequence = new URL(page.url()).searchParams.get('event');
      await dialog.getByText(`${home}/audit?event=${sequence}`).waitFor();
      await page.goBack();
      await dialog.waitFor({ state: 'detached' });

      // By the id of a request, as each refusal tells it; of all that there are, those of that alone.
      await page.goto(`${home}/audit?filter=${encodeURIComponent('["and",["by-requestId","=","noise-7"]]')}`);
      await page.getByText('1 match', { exact: true }).first().waitFor();
      await page.getByText('key-7', { exact: true }).waitFor();
      await page.getByText('The whole list was searched.').waitFor();
      await page.goBack();

      // As the log and the command line have it, without a pointer.
      await page
        .locator('main table button', { has: page.locator('time') })
        .first()
        .press('Enter');
      await dialog.getByRole('button', { name: 'Copy: UTC' }).click();
      t.regex(await page.evaluate('navigator.clipboard.readText()'), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      // The first closes what says that it was copied.
      for (let pressed = 0; pressed < 2; pressed++) await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });

      // Whoever is sent its address has a list in which it is not.
      await page.goto(`${home}/audit?event=${sequence}`);
      await dialog.getByText('csp-account.create', { exact: true }).waitFor();
      await page.goto(`${home}/audit?event=999999999`);
      await dialog.getByText('There is no event of this number here').waitFor();
      // What was done last.
      await page.goto(home);
      await page.getByRole('heading', { name: 'Recent acts' }).waitFor();
      await page.locator('main .row').getByRole('link').first().click();
      await dialog.getByRole('heading', { name: /^Event \d+$/ }).waitFor();
      await dialog.getByText(/^holdfast --json audit list --sequence \d+$/).waitFor();
      await person.close();
      t.deepEqual(browser.complaints, []);
    },
  );
}
