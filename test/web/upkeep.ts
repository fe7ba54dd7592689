import { gzipSync } from 'node:zlib';
import test from 'ava';
import { sql } from 'kysely';
import { ArchiveSums, lineOf } from '../../src/evidence/archive.ts';
import { eventLine, type AuditEvent } from '../../src/evidence/event.ts';
import { axeViolations, picture } from '../../testing/browser.ts';
import { inToken } from '../../testing/in-token.ts';
import { choose, dialogOf, type ConsoleStage } from './stage.ts';

const before = '2025-01-01T00:00:00.000Z';

/** An archive of events, as the command line writes it. */
function archiveOf(vault: { id: string; name: string }, events: readonly AuditEvent[]): Buffer {
  const sums = new ArchiveSums();
  const header = lineOf({
    ...{ format: 'holdfast-audit-archive', version: 1, node: { id: 'n', version: '1' } },
    ...{ vault, from: null, before, madeAt: before, checkpoints: [] },
  });
  sums.addHeader(header);
  const lines = events.map((event) => {
    const line = eventLine(event);
    sums.addEvent(event, line);
    return line;
  });
  return gzipSync([header, ...lines, lineOf(sums.trailer())].join(''));
}

/** What is done now and then: by those who look after a vault, and by those of the appliance. */
export function testUpkeep(open: () => ConsoleStage): void {
  test.serial('a key object is adopted, keys are compared with the token, the trail is pruned', async (t) => {
    const stage = open();
    const { page, home, vaultId, browser, story } = stage;
    const api = await stage.adasClient();
    const dialog = dialogOf(page);
    const read = async (path: string) => (await api.get(`/vaults/${vaultId}${path}`)).body;

    // Whatever test opens the store of the node first makes a vault of its own, which may use the token too.
    await story.node.withStore(async () => undefined);
    await inToken(story.token, [{ do: 'generate', id: 'e0', label: 'old-key', wraps: true }]);
    await page.goto(`${home}/cloud-keys`);
    await page.getByRole('button', { name: 'Adopt a key object' }).click();
    await choose(dialog, 'Key set', 'pictures');
    await dialog.getByLabel('Label of the key object').fill('old-key');
    await dialog.getByLabel('Name of the CloudKey').fill('old-key');
    const adopt = dialog.getByRole('button', { name: 'Adopt a key object' });
    await adopt.click();
    await dialog.getByText('Other vaults may use the token too').waitFor();
    const others = await story.node.withStore(async ({ vaultContext: { store } }) => {
      const rows = await store.db
        .selectFrom('vaults')
        .select(['id', 'tokens'])
        .where('id', '<>', vaultId)
        .execute();
      await store.db.updateTable('vaults').set({ tokens: '[]' }).where('id', '<>', vaultId).execute();
      return rows;
    });
    await adopt.click();
    // It may wrap other keys, and nothing is taken from it unasked.
    await dialog.getByText(/repeat it with --restrict/i).waitFor();
    await dialog.getByRole('checkbox', { name: 'Take from it what a CloudKey does not need' }).check();
    await dialog
      .getByText('holdfast cloud-key adopt old-key --key-set pictures --label old-key --restrict')
      .waitFor();
    await picture(page, 'adopt a key object');
    t.deepEqual(await axeViolations(page), []);
    await adopt.click();
    await page.getByRole('heading', { level: 1, name: 'old-key' }).waitFor();
    await story.node.withStore(async ({ vaultContext: { store } }) => {
      for (const { id, tokens } of others)
        await store.db.updateTable('vaults').set({ tokens }).where('id', '=', id).execute();
    });
    const keys = (await read('/cloud-keys?externalKeyId=old-key')) as { items: { name: string }[] };
    t.deepEqual(
      keys.items.map(({ name }) => name),
      ['old-key'],
    );

    await page.getByRole('link', { name: 'Reconciliation', exact: true }).click();
    await page.getByRole('button', { name: 'Compare now' }).click();
    await dialog.getByText('holdfast reconcile run').waitFor();
    await dialog.getByRole('button', { name: 'Compare', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: /^Report of / }).waitFor();
    await page.getByRole('heading', { name: 'Token token' }).waitFor();
    const reports = (await read('/reconciliations')) as { items: { id: string; vaultId: string }[] };
    t.is(reports.items[0]?.vaultId, vaultId);
    t.is(new URL(page.url()).pathname.split('/').at(-1), reports.items[0]?.id);

    await story.node.withStore(async ({ vaultContext }) =>
      sql`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3)
        INSERT INTO audit_events (at, vault_id, actor_kind, actor_id, actor_name, address, request_id, action, outcome,
          target_kind, target_id, target_name)
        SELECT '2024-05-05T00:00:00.000Z', ${vaultId}, 'user', 'u', 'ada', '192.0.2.1', 'old-' || i,
          'key-set.freeze', 'done', 'key-set', 'k', 'k' FROM n`.execute(vaultContext.store.db),
    );
    const events = async () =>
      ((await read(`/audit-events?sort=sequence&to=${before}`)) as { items: AuditEvent[] }).items;
    const vault = (await read('')) as { id: string; name: string };
    const archive = archiveOf({ id: vault.id, name: vault.name }, await events());
    await page.getByRole('link', { name: 'Audit log', exact: true }).click();
    await page.getByRole('link', { name: 'Retention' }).click();
    await page.getByText('Nothing was pruned').waitFor();
    await page.getByRole('button', { name: 'Prune by an archive' }).click();
    const take = async (buffer: Buffer) =>
      dialog
        .locator('input[type=file]')
        .setInputFiles({ name: '2024.jsonl.gz', mimeType: 'application/gzip', buffer });
    await take(archive.subarray(0, -30));
    await dialog.getByText('it is cut off or damaged').waitFor();
    await take(archive);
    await dialog.getByText('From the beginning to before 2025-01-01 00:00:00 UTC').waitFor();
    await dialog.getByText('holdfast audit prune 2024.jsonl.gz').waitFor();
    const prune = dialog.getByRole('button', { name: 'Prune', exact: true });
    t.true(await prune.isDisabled());
    await dialog.getByLabel('To confirm, type delete them').fill('delete them');
    await picture(page, 'prune by an archive');
    t.deepEqual(await axeViolations(page), []);
    await prune.click();
    const pruned = page.locator('main table').getByRole('row', { name: /2025-01-01/ });
    await pruned.getByText('Done', { exact: true }).waitFor();
    t.deepEqual(await events(), []);
    // By the same archive nothing can be asked for again.
    await page.getByRole('button', { name: 'Prune by an archive' }).click();
    await take(archive);
    await dialog.getByText('It was pruned by this archive before.').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    t.deepEqual(browser.complaints, []);
  });

  test.serial('whose a key is, is told to who asks; what the store has lost is decided', async (t) => {
    const stage = open();
    const { browser, story, origin, vaultId } = stage;
    const api = await stage.adasClient();
    const admin = await browser.person();
    await stage.signedIn(admin, '', 'of-upkeep', 'appliance-admin');
    const page = await admin.newPage();
    const dialog = dialogOf(page);
    await page.goto(`${origin}/console/appliance`);
    await page.getByRole('combobox', { name: 'Find a vault, user, token or node' }).fill('alias/picture-key');
    await page.getByRole('option', { name: 'As a CloudKey' }).click();
    await page.getByText('holdfast cloud-key find alias/picture-key').waitFor();
    // It stands in the trail of the vault, and so is done by a press alone.
    const asked = async () => {
      const { body } = await api.get(`/vaults/${vaultId}/audit-events?action=cloud-key.look-up`);
      return (body as { items: unknown[] }).items.length;
    };
    t.is(await asked(), 0);
    await page.getByRole('button', { name: 'Find', exact: true }).click();
    await page
      .locator('main table')
      .getByRole('row', { name: /picture-key/ })
      .waitFor();
    t.is(await asked(), 1);

    // As a fail-over would have lost them.
    const lost = (id: string, kind: 'cloud-key' | 'credential', name: string, taken: string) => ({
      ...{ id: id.repeat(24), revision: 1, mark: id, kind, name, taken, node_id: 'n', hostname: 'node-a' },
      ...{ noticed_at: '2026-01-02T00:00:00.000Z', decided_at: null, decision: null },
    });
    await story.node.withStore(async ({ vaultContext }) =>
      vaultContext.store.db
        .insertInto('lost_changes')
        .values([
          lost('a', 'cloud-key', 'old-key', '{"refused":"DISABLED"}'),
          lost('b', 'credential', 'AKIDEXAMPLE2345ABCDE', '{"refused":"WITHDRAWN"}'),
        ])
        .execute(),
    );
    await page.getByRole('link', { name: 'Lost changes', exact: true }).click();
    await page.getByRole('checkbox', { name: 'Select XKS credential AKIDEXAMPLE2345ABCDE' }).check();
    await page.getByRole('button', { name: 'Actions', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Leave as in the database' }).click();
    await dialog.getByText(`holdfast lost-change leave ${'b'.repeat(24)}`).waitFor();
    await dialog.getByText('XKS credential AKIDEXAMPLE2345ABCDE: Withdrawn').waitFor();
    const leave = dialog.getByRole('button', { name: 'Leave as in the database' });
    t.true(await leave.isDisabled());
    await dialog.getByLabel('To confirm, type usable again').fill('usable again');
    await picture(page, 'leave a lost change');
    t.deepEqual(await axeViolations(page), []);
    await leave.click();
    await page.getByText('1 lost change left as in the database').waitFor();
    await page.getByRole('button', { name: 'Take all away again' }).click();
    await dialog.getByText('holdfast lost-change apply --all').waitFor();
    await dialog.getByRole('button', { name: 'Take away again' }).click();
    await page.getByText('1 lost change decided; 1 record was changed').waitFor();
    await page.getByText('Nothing is to be decided').waitFor();
    // It is on once the address says so, which may be a moment later.
    await page.getByRole('checkbox', { name: 'Show those that are decided too' }).click();
    for (const decision of ['Taken away again', 'Left as in the database'])
      await page.locator('main table').getByText(decision).waitFor();
    const { body } = await api.get(`/vaults/${vaultId}/cloud-keys?externalKeyId=old-key`);
    t.is((body as { items: { state: string }[] }).items[0]?.state, 'DISABLED');
    await admin.close();
    t.deepEqual(browser.complaints, []);
  });
}
