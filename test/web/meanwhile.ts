import { setTimeout as delay } from 'node:timers/promises';
import {
  UpdateKeyDescriptionCommand,
  DisableKeyCommand,
  DescribeKeyCommand,
  DescribeCustomKeyStoresCommand,
  EncryptCommand,
} from '@aws-sdk/client-kms';
import test from 'ava';
import { axeViolations, picture } from '../../testing/browser.ts';
import { made } from '../admin/two-vaults.ts';
import {
  chooseScope,
  createApiKey,
  dialogOf,
  lookAgain,
  signIn,
  typeAndEnter,
  type ConsoleStage,
} from './stage.ts';

/** What changes while somebody has a page open: their session, the record, AWS, the node. */
export function testMeanwhile(open: () => ConsoleStage): void {
  test.serial(
    'a session that ends while a dialog is open is begun again over it, and nothing typed is lost',
    async (t) => {
      const { page, home, story, passwords, browser } = open();
      await page.goto(`${home}/account/api-keys`);
      await page.getByRole('button', { name: 'Create API key' }).first().click();
      const dialog = page.getByRole('dialog', { name: 'Create API key' });
      await dialog.getByLabel('Name').fill('terraform');
      // Elsewhere: an administrator, or time.
      await story.node.withStore(async (vault) =>
        vault.vaultContext.store.db.deleteFrom('sessions').execute(),
      );
      await lookAgain(page);
      const ended = page.getByRole('dialog', { name: 'Your session has ended' });
      await ended.waitFor();
      await picture(page, 'a session that ended while something was typed');
      // What was on the page is not left for whoever comes by.
      t.false(await page.locator('main').isVisible());
      t.false(await dialog.isVisible());
      t.deepEqual(await axeViolations(page), []);
      await typeAndEnter(ended.getByLabel('Password'), passwords.ada);
      await ended.waitFor({ state: 'detached' });
      t.is(await dialog.getByLabel('Name').inputValue(), 'terraform');
      await chooseScope(page);
      await dialog.getByRole('button', { name: 'Create API key' }).click();
      const panel = page.getByRole('dialog', { name: 'API key terraform' });
      const secret = (await panel.getByText(/^hfk_/).textContent()) ?? '';
      t.regex(secret, /^hfk_[\w-]{22}_[\w-]{43}$/);
      t.deepEqual(await axeViolations(page), []);
      // It stays until somebody says that they have it, or has copied it.
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

  test.serial('an API key whose answer was lost is made once, and its secret is told as lost', async (t) => {
    const stage = open();
    const { page, home, browser } = stage;
    await page.goto(`${home}/account/api-keys`);
    await page.getByRole('button', { name: 'Create API key' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'Create API key' });
    await dialog.getByLabel('Name').fill('unheard');
    await chooseScope(page);
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
    const api = await stage.adasClient();
    const { items } = (await api.get('/user/api-keys')).body as { items: { name: string }[] };
    t.is(items.filter(({ name }) => name === 'unheard').length, 1);
    // The browser tells of the answer that was taken from it.
    browser.complaints.length = 0;
  });

  test.serial(
    'a secret that is shown once is nowhere in the browser of whoever leaves the page and comes back',
    async (t) => {
      const { page, browser, origin } = open();
      const { secret } = await createApiKey(page, 'left-open');
      t.regex(secret, /^hfk_/);
      // To another site and back, while it is shown.
      await page.goto('about:blank');
      await page.goBack();
      await page.getByText('left-open', { exact: true }).first().waitFor();
      t.false((await page.content()).includes(secret));
      t.is(await page.getByRole('dialog').count(), 0);
      t.deepEqual(await page.evaluate('caches.keys()'), []);
      const kept = async (address: string) =>
        page.evaluate(
          `fetch(${JSON.stringify(address)}, { cache: 'only-if-cached', mode: 'same-origin' }).then(() => true, () => false)`,
        );
      for (const address of [page.url(), `${origin}/api/v1/user/api-keys`, `${origin}/api/v1/session`])
        t.false(await kept(address), address);
      // What it looks for in vain it tells.
      browser.complaints.length = 0;
    },
  );

  test.serial(
    'what two browsers change at once is shown to the second, and overwritten by nobody',
    async (t) => {
      const stage = open();
      const { page, home, vaultId, browser, passwords } = stage;
      const api = await stage.adasClient();
      const grace = await made(api, `/vaults/${vaultId}/users`, {
        ...{ username: 'grace', email: 'grace@example.com', role: 'cloud-admin' },
      });
      const elsewhere = await (await browser.person()).newPage();
      await elsewhere.goto(`${home}/users`);
      await signIn(elsewhere, 'ada', passwords.ada);
      await page.getByRole('link', { name: 'Users', exact: true }).click();
      const begin = async (view: typeof page) => {
        await view.getByRole('button', { name: 'Actions: grace' }).click();
        await view.getByRole('menuitem', { name: 'Edit' }).click();
        return view.getByRole('dialog', { name: 'Edit grace' });
      };
      const [mine, theirs] = [await begin(page), await begin(elsewhere)];
      await mine.getByLabel('Full name').fill('Grace Hopper');
      await theirs.getByRole('button', { name: 'Role' }).click();
      await elsewhere.getByRole('option', { name: /^Auditor/ }).click();
      await theirs.getByRole('button', { name: 'Save changes' }).click();
      await theirs.waitFor({ state: 'detached' });
      await mine.getByRole('button', { name: 'Save changes' }).click();
      await mine.getByText('Auditor (when you opened it: Cloud administrator)').waitFor();
      await picture(page, 'changed meanwhile');
      t.deepEqual(await axeViolations(page), []);
      const path = `/vaults/${vaultId}/users/${grace.id}`;
      t.like((await api.get(path)).body, { role: 'auditor', displayName: 'grace' });
      await mine.getByRole('button', { name: 'Do it all the same' }).click();
      await mine.waitFor({ state: 'detached' });
      t.like((await api.get(path)).body, { role: 'auditor', displayName: 'Grace Hopper' });
      await elsewhere.context().close();
      t.deepEqual(browser.complaints, []);
    },
  );

  test.serial(
    'a key that somebody else disables meanwhile is disabled once, and shown as it is',
    async (t) => {
      const stage = open();
      const { page, vaultId, browser } = stage;
      const api = await stage.adasClient();
      await page.getByRole('link', { name: 'CloudKeys', exact: true }).click();
      await page.getByRole('link', { name: 'picture-key' }).click();
      await page.getByRole('button', { name: 'Disable', exact: true }).click();
      const dialog = dialogOf(page);
      await dialog.getByText('The command that does the same').waitFor();
      const { body } = await api.get(`/vaults/${vaultId}/cloud-keys`);
      const path = `/vaults/${vaultId}/cloud-keys/${(body as { items: [{ id: string }] }).items[0].id}`;
      await api.request('PATCH', path, { body: { description: 'Changed elsewhere' }, ifMatch: '*' });
      await dialog.getByRole('button', { name: 'Disable' }).click();
      await dialog.getByText('The record has changed in the meantime').waitFor();
      t.is(((await api.get(path)).body as { state: string }).state, 'AVAILABLE');
      t.deepEqual(await axeViolations(page), []);
      await dialog.getByRole('button', { name: 'Do it all the same' }).click();
      await page.getByText('picture-key is disabled').waitFor();
      t.is(((await api.get(path)).body as { state: string }).state, 'DISABLED');
      await page.getByRole('button', { name: 'Enable', exact: true }).click();
      await dialog.getByRole('button', { name: 'Enable' }).click();
      await page.getByText('picture-key is enabled').waitFor();
      t.deepEqual(browser.complaints, []);
    },
  );

  test.serial('what AWS has otherwise is shown beside ours, applied and accepted', async (t) => {
    const { page, story, browser } = open();
    const kms = story.kms(story.simulator.account('111122223333'));
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: 'alias/picture-key' }));
    const KeyId = KeyMetadata?.KeyId;
    // Whatever somebody writes there is text here, and turns nothing around it.
    const theirs = 'not what it was <b>\u202Egnp.exe';
    await kms.send(new UpdateKeyDescriptionCommand({ KeyId, Description: theirs }));
    await kms.send(new DisableKeyCommand({ KeyId }));
    await page.getByRole('link', { name: 'KMS keys', exact: true }).click();
    await page.getByRole('link', { name: 'alias/picture-key' }).click();
    await page.getByRole('button', { name: 'Look at AWS' }).click();
    await page.getByRole('button', { name: 'Apply ours: State' }).waitFor();
    const shown = page.getByText(theirs).first();
    await shown.waitFor();
    t.is(
      await page.evaluate(
        "getComputedStyle([...document.querySelectorAll('.mono')].find((one) => one.textContent.includes('not what'))).unicodeBidi",
      ),
      'isolate',
    );
    await picture(page, 'drift, ours and theirs');
    t.deepEqual(await axeViolations(page), []);
    const dialog = dialogOf(page);

    // Somebody who has judged it puts that on record: it stays, and needs nobody. The KMS keys are gone through beside everything else: what
    // was found before AWS was looked at is another finding than the one that is there now.
    const api = await open().adasClient();
    const lookedAt = new Date().toISOString();
    for (let seenAt = ''; seenAt <= lookedAt; await delay(100)) {
      const { body } = await api.get(`/vaults/${open().vaultId}/status`);
      seenAt = (body as { kmsKeysSeenAt: string | null }).kmsKeysSeenAt ?? '';
    }
    await page.goto(open().home);
    await page.getByRole('button', { name: 'Acknowledge KMS_KEY_DRIFT of emea' }).click();
    await dialog.getByLabel('Why nothing has to be done').fill('as the platform team has it');
    await dialog.getByText('holdfast status acknowledge KMS_KEY_DRIFT').waitFor();
    await picture(page, 'acknowledge a finding');
    t.deepEqual(await axeViolations(page), []);
    await dialog.getByRole('button', { name: 'Acknowledge' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('as the platform team has it').first().waitFor();
    await page.getByText('Acknowledged by ada').waitFor();
    await page.getByRole('region', { name: 'What needs attention' }).waitFor({ state: 'detached' });
    await picture(page, 'a finding that is acknowledged');
    t.deepEqual(await axeViolations(page), []);
    await page.getByRole('link', { name: 'KMS keys', exact: true }).click();
    await page.getByRole('link', { name: 'alias/picture-key' }).click();

    await page.getByRole('button', { name: 'Apply ours: State' }).click();
    await dialog.getByRole('button', { name: 'Apply ours' }).click();
    await page.getByRole('button', { name: 'Apply ours: State' }).waitFor({ state: 'detached' });
    const described = async () => (await kms.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata;
    t.is((await described())?.KeyState, 'Enabled');
    await page.getByRole('button', { name: 'Accept theirs: Description' }).click();
    await dialog.getByRole('button', { name: 'Accept theirs' }).click();
    await page.getByText('AWS has what is on record here').waitFor();
    t.is((await described())?.Description, theirs);
    await picture(page, 'no drift any more');
    t.deepEqual(browser.complaints, []);
  });

  test.serial('an XKS credential is rotated while AWS uses it, and AWS moves over', async (t) => {
    const { page, story, browser } = open();
    const kms = story.kms(story.simulator.account('111122223333'));
    const inAws = async () => (await kms.send(new DescribeCustomKeyStoresCommand({}))).CustomKeyStores?.[0];
    const has = async () => (await inAws())?.XksProxyConfiguration?.AccessKeyId;
    const before = await has();
    // Some of AWS's hosts have the new one, and others the old one still: requests are made with both all the time.
    story.simulator.kms.slowUpdates(true);
    const rotating = new AbortController();
    let served = 0;
    const serve = async () => {
      await kms.send(new EncryptCommand({ KeyId: 'alias/picture-key', Plaintext: Buffer.from('a picture') }));
      served += 1;
    };
    await serve();
    const traffic = (async () => {
      while (!rotating.signal.aborted) await serve();
      for (let more = 0; more < 4; more++) await serve();
    })();
    const { CustomKeyStoreId = '' } = (await inAws()) ?? {};
    t.teardown(async () => {
      rotating.abort();
      await traffic.catch(() => undefined);
      story.simulator.kms.slowUpdates(false);
      story.simulator.kms.spread(CustomKeyStoreId);
    });
    await page.getByRole('link', { name: 'External key stores', exact: true }).click();
    await page.getByRole('link', { name: 'pictures' }).first().click();
    await page.getByRole('button', { name: 'Actions', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Rotate credential' }).click();
    const dialog = dialogOf(page);
    await dialog.getByText('holdfast external-key-store rotate-credential pictures').waitFor();
    await dialog.getByRole('button', { name: 'Rotate credential' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('AWS had it').waitFor();
    await page.getByText('AWS has it').waitFor();
    await picture(page, 'a credential rotated');
    const after = await has();
    t.not(after, before);
    rotating.abort();
    await traffic;
    t.true(served > 5);
    for (const accessKeyId of [before, after])
      await page.getByText(accessKeyId ?? '', { exact: true }).waitFor();
    t.deepEqual(await axeViolations(page), []);
    t.deepEqual(browser.complaints, []);
  });

  test.serial('while the node is dead the page says so, and goes on by itself once it is back', async (t) => {
    const { page, story, browser } = open();
    await page.getByRole('link', { name: 'CloudKeys', exact: true }).click();
    await page.getByRole('link', { name: 'picture-key' }).click();
    await page.getByRole('button', { name: 'Disable', exact: true }).waitFor();
    await story.node.stop('SIGKILL');
    await lookAgain(page);
    const silence = page.getByRole('alert', { name: 'The node does not answer.' });
    await silence.waitFor();
    await picture(page, 'a node that is dead');
    t.deepEqual(await axeViolations(page), []);
    // An act is refused at once, not kept for later.
    await page.getByRole('button', { name: 'Disable', exact: true }).click();
    const dialog = dialogOf(page);
    await dialog.getByRole('button', { name: 'Disable' }).click();
    await dialog.getByText('It may have been done all the same').waitFor();
    await story.node.serve();
    await silence.waitFor({ state: 'detached' });
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('Available').first().waitFor();
    // The browser tells of each answer that did not come.
    browser.complaints.length = 0;
  });
}
