import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import type { Locator } from 'playwright-core';
import type { AuditEvent } from '../../src/evidence/event.ts';
import { permissionsOf } from '../../src/identity/permissions.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { made } from '../admin/two-vaults.ts';
import { CommandServer } from '../cli/command-line.ts';
import { dialogOf, type ConsoleStage } from './stage.ts';

/** As a shell reads it: what the console shows has words, and words in single quotes. */
function wordsOf(line: string): string[] {
  const words = line.match(/(?:'[^']*'|\\'|[^\s'\\])+/g) ?? [];
  return words.map((word) =>
    word.replaceAll(/'([^']*)'|\\(')/g, (_, quoted?: string, bare?: string) => quoted ?? bare ?? ''),
  );
}

/** What an act has done, as the trail tells it; when does not matter, nor by whom. */
function effectOf({ action, outcome, target, before, after }: AuditEvent): unknown {
  const text = JSON.stringify({ action, outcome, target, before, after });
  return JSON.parse(text.replaceAll(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"a moment"'));
}

/** Every dialog shows a command: it does what the button of the dialog does. */
export function testAsShown(open: () => ConsoleStage): void {
  test.serial('a command that a dialog shows does what its button does, for the same reason', async (t) => {
    const stage = open();
    const { page, home, story, vaultId, browser } = stage;
    const api = await stage.adasClient();
    const vault = await story.vaultOf(api, vaultId);
    const name = `shown-${randomUUID().slice(0, 8)}`;
    const set = await vault.make('/key-sets', {
      name,
      adminGroupId: vault.group,
      token: 'token',
      pathPrefix: name,
    });
    const key = await vault.make('/cloud-keys', { keySetId: set.id, name, kmsKey: false });
    const user = await vault.make('/users', { username: name, email: 'x@example.com', role: 'cloud-admin' });
    const member = `/vaults/${vaultId}/admin-groups/${vault.group}/members/${user.id}`;
    const join = async () => api.request('PUT', member);
    await join();

    const directory = mkdtempSync(path.join(memoryDirectory(), 'holdfast-as-shown-'));
    const server = new CommandServer();
    t.teardown(() => {
      server.close();
      rmSync(directory, { recursive: true, force: true });
    });
    const { secret } = await made(api, '/user/api-keys', {
      ...{ name, scope: permissionsOf['vault-admin'] },
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    });
    const keyFile = path.join(directory, 'key');
    writeFileSync(keyFile, String(secret), { mode: 0o600 });
    const { endpoint, ca } = story.node.admin;
    const env = {
      ...{ HOLDFAST_ENDPOINT: endpoint, HOLDFAST_CA: ca, HOLDFAST_VAULT: vaultId },
      HOLDFAST_API_KEY_FILE: keyFile,
    };

    const dialog = dialogOf(page);
    const reason = "INC-4711: it's lost";
    const last = async (target: string) => {
      const { items } = await vault.get(`/audit-events?target=${target}&limit=1`);
      return effectOf((items as AuditEvent[])[0] as AuditEvent);
    };
    /** Presses what opens a dialog, and what it says; then does the opposite, and what the dialog showed. */
    const both = async (target: string, opens: Locator, undo: () => Promise<unknown>, asksWhy = true) => {
      await opens.click();
      const submit = dialog.getByTestId('submit');
      await submit.waitFor();
      if (asksWhy) await dialog.getByLabel('Reason').fill(reason);
      const line = (await dialog.locator('.command code').textContent()) ?? '';
      await submit.click();
      await submit.waitFor({ state: 'detached' });
      const byButton = await last(target);
      if (asksWhy) t.like(byButton, { after: { reason } });
      await undo();
      const [, ...words] = wordsOf(line);
      const run = await server.run(words, { env });
      t.is(run.code, 0, `${line}: ${run.stderr}`);
      t.deepEqual(await last(target), byButton, line);
    };
    const button = (words: string) => page.getByRole('button', { name: words, exact: true });

    const keySet = `/key-sets/${set.id}`;
    // What a command has changed meanwhile a page that was open before would not change again: it is opened anew each time.
    const there = async (where: string) => page.goto(`${home}${where}`);
    await there(keySet);
    await both(set.id, button('Freeze'), async () => vault.do(keySet, 'thaw'));
    await there(keySet);
    // Who has stopped it, and why, is where it says that it is stopped.
    await page.getByText('Frozen by', { exact: true }).waitFor();
    await page.getByText(reason, { exact: true }).waitFor();
    await both(set.id, button('Thaw'), async () => vault.do(keySet, 'freeze'));

    const cloudKey = `/cloud-keys/${key.id}`;
    await there(cloudKey);
    await both(key.id, button('Disable'), async () => vault.do(cloudKey, 'enable', {}));
    await there(cloudKey);
    await page.getByText('Disabled by', { exact: true }).waitFor();
    await page.getByText(reason, { exact: true }).waitFor();
    await both(key.id, button('Enable'), async () => vault.do(cloudKey, 'disable', {}));

    await there('/admin-groups');
    await page.getByRole('button', { name: /Members of Cloud Admin Group$/ }).click();
    await both(vault.group, dialog.getByRole('button', { name: `Take ${name} out of` }), join);
    await dialog.getByRole('button', { name: 'Close' }).click();

    await there('/users');
    const row = page.getByRole('row', { name: new RegExp(name) });
    await row.getByRole('button', { name: /^Actions: / }).click();
    const disable = page.getByRole('menuitem', { name: 'Disable' });
    await both(
      user.id,
      disable,
      async () => vault.act('PATCH', `/users/${user.id}`, { state: 'ACTIVE' }),
      false,
    );
    t.deepEqual(browser.complaints, []);
  });
}
