import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import test from 'ava';
import { axeViolations, picture } from '../../testing/browser.ts';
import { failure } from '../simulator/sdk-clients.ts';
import { endpoint } from '../story/story-vault.ts';
import type { AdminAnswer } from '../support/admin-answer.ts';
import {
  choose,
  choosePassword,
  dialogOf,
  lookAgain,
  signIn,
  typeAndEnter,
  type ConsoleStage,
} from './stage.ts';

/*
 * KeyControl's guide, sections 2.5 to 2.9, in the browser: from the first vault to a picture in S3 that cannot be opened
 * while the key is disabled.
 */

export const region = 'eu-central-1';

export function testGuide(open: () => ConsoleStage): void {
  test.serial('the appliance’s administrator signs in for the first time, and makes a vault', async (t) => {
    const stage = open();
    const { story, browser, passwords } = stage;
    const admin = await browser.person();
    const page = await admin.newPage();
    await page.goto(stage.origin);
    await page.getByRole('heading', { name: 'Sign in to the appliance' }).waitFor();
    await picture(page, 'sign in to the appliance');
    await signIn(page, 'admin', story.node.admin.password);
    await choosePassword(page, story.node.admin.password, passwords.admin);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByText('There is a vault').waitFor();
    await page.getByRole('link', { name: 'Vaults', exact: true }).click();
    await page.getByText('There is a vault').waitFor();
    await picture(page, 'first run');
    t.deepEqual(await axeViolations(page), []);

    await page.getByRole('button', { name: 'Create vault' }).first().click();
    const dialog = dialogOf(page);
    await dialog.getByLabel('Name', { exact: true }).fill('emea');
    await dialog.getByLabel('Administrator’s full name').fill('Ada Lovelace');
    await dialog.getByLabel('Administrator’s username').fill('ada');
    await dialog.getByLabel('Administrator’s email address').fill('ada@example.com');
    await dialog.getByText('holdfast vault create emea').waitFor();
    await picture(page, 'create the vault');
    t.deepEqual(await axeViolations(page), []);
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();

    const panel = page.getByRole('dialog', { name: 'First password of ada' });
    const address = await panel.getByText(/\/sign-in\//).textContent();
    const first = await panel.locator('.copyable').filter({ hasNotText: '/sign-in/' }).first().textContent();
    await picture(page, 'first password of the vault');
    await panel.getByLabel('I have it').check();
    await panel.getByRole('button', { name: 'Done' }).click();
    await panel.waitFor({ state: 'detached' });
    await page.getByText('emea').first().waitFor();
    await picture(page, 'the vault');
    await page.getByRole('combobox', { name: 'Find a vault, user, token or node' }).fill('lovelace');
    await page.getByRole('option', { name: 'emea' }).click();
    await page.getByText('1 match', { exact: true }).first().waitFor();
    t.regex(page.url(), /\/vaults\?filter=/);

    await page.getByRole('link', { name: 'Tokens', exact: true }).click();
    await page.getByRole('link', { name: 'token', exact: true }).click();
    await page.getByRole('heading', { name: /^HSM / }).waitFor();
    await page.getByText('Up since', { exact: true }).waitFor();
    await page.getByText('On record', { exact: true }).waitFor();
    await picture(page, 'a token and its HSM');
    t.deepEqual(await axeViolations(page), []);

    await page.getByRole('link', { name: 'Nodes', exact: true }).click();
    await page.getByRole('button', { name: /^Actions: / }).click();
    await page.getByRole('menuitem', { name: 'Drain' }).click();
    await dialog.getByText('holdfast node drain').waitFor();
    await dialog.getByRole('button', { name: 'Drain' }).click();
    // The only one there is.
    await dialog.getByText('nothing would take its requests').first().waitFor();
    await picture(page, 'the only node is not drained');
    t.deepEqual(await axeViolations(page), []);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    stage.vaultId = /sign-in\/([\w-]+)/.exec(address ?? '')?.[1] ?? '';
    await admin.close();

    const ada = await stage.openAda();
    await ada.goto(address ?? '');
    await signIn(ada, 'ada', 'not the right one');
    await ada.getByText('which of these is not told').waitFor();
    t.deepEqual(await axeViolations(ada), []);
    await typeAndEnter(ada.getByLabel('Password'), first?.trim() ?? '');
    await choosePassword(ada, first?.trim() ?? '', passwords.ada);
    await ada.getByRole('heading', { name: 'Overview' }).waitFor();
    t.is(ada.url(), stage.home);
    await ada.getByRole('region', { name: 'Environment' }).getByText('TEST of EMEA').waitFor();
    await ada.getByRole('link', { name: 'emea' }).first().waitFor();
    await picture(ada, 'an empty vault');
    // All that a browser that had nothing of it has loaded by now.
    const loaded = Number(
      await ada.evaluate(
        "performance.getEntriesByType('resource').filter(({ name }) => name.includes('/console/')).reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)",
      ),
    );
    t.true(loaded > 100_000 && loaded < 700_000, `${loaded} bytes`);
    t.deepEqual(browser.complaints, []);
  });

  test.serial('a CSP account, a key set and its external key store are made, and AWS connects', async (t) => {
    const { story, page, home, browser } = open();
    const account = story.simulator.account('111122223333');
    const root = { ...account, arn: `arn:aws:iam::${account.id}:root` };
    const holdfast = await story.user(root, 'holdfast', { '*': ['kms:*', 'iam:*', 'sts:*'] });
    const dialog = dialogOf(page);

    await page.getByRole('link', { name: 'CSP accounts', exact: true }).first().click();
    await page.getByRole('button', { name: 'Create CSP account' }).first().click();
    await dialog.getByRole('textbox', { name: 'Name' }).fill('aws-pictures');
    await dialog.getByLabel('Access key id').fill(holdfast.accessKeyId);
    await dialog.getByLabel('Secret access key').fill(holdfast.secretAccessKey);
    await dialog.getByLabel('Default Region').fill(region);
    await picture(page, 'create a CSP account');
    t.deepEqual(await axeViolations(page), []);
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    await page.getByRole('heading', { name: 'aws-pictures' }).waitFor();
    await page.getByText('111122223333', { exact: true }).waitFor();
    await picture(page, 'the CSP account');

    await page.getByRole('link', { name: 'Key sets', exact: true }).first().click();
    await page.getByRole('button', { name: 'Create key set' }).first().click();
    const wizard = page.locator('main');
    const next = page.getByRole('button', { name: 'Next' });
    await next.click();
    await page.getByText('A name is needed').first().waitFor();
    await wizard.getByRole('textbox', { name: 'Name' }).fill('pictures');
    await next.click();
    await wizard.getByLabel('URI path prefix').waitFor();
    await wizard.getByRole('button', { name: 'Verify connection' }).click();
    await wizard.getByText('The token is fit').waitFor();
    await wizard.getByText(/^Making a key, /).waitFor();
    await picture(page, 'verify the token of a key set');
    t.deepEqual(await axeViolations(page), []);
    await next.click();
    // Beside it are the step of this name, and what makes another.
    await choose(wizard, /^CSP account None/, 'aws-pictures');
    await picture(page, 'create a key set');
    t.deepEqual(await axeViolations(page), []);
    await next.click();
    await wizard.getByLabel('Days between rotations').waitFor();
    await next.click();
    await wizard.getByText('Create its external key store now').click();
    await wizard.getByRole('textbox', { name: 'Endpoint' }).fill(endpoint);
    t.is(await wizard.getByRole('textbox', { name: 'Region' }).inputValue(), region);
    await picture(page, 'create an external key store');
    t.deepEqual(await axeViolations(page), []);
    await next.click();
    await page.getByText('holdfast key-set create pictures').waitFor();
    await page.getByText('holdfast external-key-store create pictures').waitFor();
    await picture(page, 'review the key set');
    t.deepEqual(await axeViolations(page), []);
    await page.getByRole('button', { name: 'Create key set' }).click();
    await page.waitForURL(`${home}/external-key-stores/**`);
    await page.getByText('Connected', { exact: true }).first().waitFor();
    t.regex(page.url(), new RegExp(`^${home}/external-key-stores/`));
    t.deepEqual(await axeViolations(page), []);
    await picture(page, 'the external key store, connected');
    await page.getByText('Nobody has run it for this external key store.').waitFor();
    t.is((await handInFindings(open(), page.url(), 'Certificate of \u202Esomebody')).status, 422);
    t.is((await handInFindings(open(), page.url(), 'Of an earlier look')).status, 200);
    t.is((await handInFindings(open(), page.url(), 'Certificate of <b>somebody</b>')).status, 200);
    await lookAgain(page);
    // Whatever the doctor was told somewhere is text here.
    await page.getByText('Certificate of <b>somebody</b>').waitFor();
    await page.getByText('Renew it.').waitFor();
    await page.getByText('A check', { exact: true }).first().waitFor();
    await page.getByText('holdfast doctor --external-key-store pictures').waitFor();
    await page.getByText('2 more that need no attention').click();
    await page.getByText('192.0.2.1', { exact: false }).last().waitFor();
    await picture(page, 'what the doctor found');
    t.deepEqual(await axeViolations(page), []);

    await page.getByRole('button', { name: 'Open the help of this page' }).first().click();
    await page.getByText('Connected says that AWS reached the proxy once').first().waitFor();
    await picture(page, 'the help of a page');
    t.deepEqual(await axeViolations(page), []);
    await page.getByRole('link', { name: 'Looking at it from outside: the doctor' }).click();
    await page.locator('article').getByRole('heading', { level: 1 }).waitFor();
    await picture(page, 'a page of the documentation');
    t.deepEqual(await axeViolations(page), []);
    await page.getByRole('button', { name: 'Close the help' }).first().click();
    await page.goBack();
    await page.getByText('Connected', { exact: true }).first().waitFor();
    t.deepEqual(browser.complaints, []);
  });

  test.serial(
    'a CloudKey is made by the wizard; while it is disabled a picture stays shut, and opens once it is enabled',
    async (t) => {
      const { story, page, browser } = open();
      const account = story.simulator.account('111122223333');
      const root = { ...account, arn: `arn:aws:iam::${account.id}:root` };
      const app = await story.user(root, 'app', { '*': ['s3:*'] });
      const keyAdmin = await story.user(root, 'key-admin');
      const dialog = dialogOf(page);

      await page.getByRole('link', { name: 'CloudKeys', exact: true }).first().click();
      await page.getByRole('button', { name: 'Create CloudKey' }).first().click();
      await choose(page.locator('main'), 'Key set', 'pictures');
      await page.getByRole('textbox', { name: 'Name' }).fill('picture-key');
      // The key set has one external key store, and the KMS key is called as the CloudKey is.
      await page.getByRole('button', { name: new RegExp(`^Region ${region}`) }).waitFor();
      t.is(await page.getByRole('textbox', { name: 'Alias' }).inputValue(), 'alias/picture-key');
      await page.getByLabel(/^Tags/).fill('team=pictures');
      await picture(page, 'create a CloudKey');
      await page.getByRole('button', { name: 'Next' }).click();
      const users = page.getByRole('combobox', { name: 'Key users' });
      await users.pressSequentially('user/a');
      await page.getByRole('option', { name: app.arn }).waitFor();
      await picture(page, 'who may use it, from IAM');
      await users.fill('somebody');
      await page.getByRole('combobox', { name: 'Key administrators' }).fill(keyAdmin.arn);
      await page.getByText('This is no ARN: it is not taken.').waitFor();
      await users.fill(app.arn);
      t.deepEqual(await axeViolations(page), []);
      // What was typed and not confirmed by Enter is not lost by going on.
      await page.getByRole('button', { name: 'Show the key policy' }).click();
      await page.getByRole('region', { name: 'Key policy' }).getByText(app.arn).waitFor();
      await page.getByText('holdfast cloud-key preview picture-key').waitFor();
      await picture(page, 'the key policy before there is a key');
      t.deepEqual(await axeViolations(page), []);
      await page.getByRole('button', { name: 'Next' }).click();
      await page.getByLabel(/^Request quota/).waitFor();
      await page.getByRole('button', { name: 'Next' }).click();
      await page.getByText(`holdfast cloud-key create picture-key`).waitFor();
      await page.getByText('--kms-tag team=pictures').waitFor();
      await page.getByText(`in the external key store pictures in ${region}`).waitFor();
      await page.getByRole('region', { name: 'Key policy' }).getByText(keyAdmin.arn).waitFor();
      await page.getByText(app.arn, { exact: true }).waitFor();
      await page.getByText(keyAdmin.arn, { exact: true }).waitFor();
      await picture(page, 'review the CloudKey');
      await page.getByRole('button', { name: 'Create CloudKey' }).click();
      await page.getByRole('heading', { name: 'picture-key' }).waitFor();
      const progress = page.getByRole('list', { name: 'Progress' });
      await progress.getByText('Key in the token').waitFor();
      await progress.getByText(`KMS key in AWS, ${region}`).waitFor();
      await progress.getByText('Alias in AWS').waitFor();
      await page.getByRole('tab', { name: 'AWS' }).click();
      await page.getByText('alias/picture-key', { exact: true }).first().waitFor();
      await page.getByText('Available').nth(1).waitFor();
      await picture(page, 'the CloudKey in AWS');

      const s3 = story.s3(app);
      const picked = { Bucket: 'pictures', Key: 'one.png' };
      await s3.send(new CreateBucketCommand({ Bucket: picked.Bucket }));
      const sealed = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'alias/picture-key' } as const;
      await s3.send(new PutObjectCommand({ ...picked, ...sealed, Body: 'a picture' }));
      const read = async () => (await s3.send(new GetObjectCommand(picked))).Body?.transformToString();
      t.is(await read(), 'a picture');

      // Two clicks.
      await page.getByRole('button', { name: 'Disable' }).click();
      await dialog.getByText('The command that does the same').waitFor();
      await picture(page, 'disable it');
      t.deepEqual(await axeViolations(page), []);
      await dialog.getByRole('button', { name: 'Disable' }).click();
      await page.getByText('picture-key is disabled: no later request with it succeeds').waitFor();
      t.is((await failure(read())).name, 'KMS.KMSInvalidStateException');
      await picture(page, 'disabled');

      await page.getByRole('button', { name: 'Enable', exact: true }).click();
      await dialog.getByRole('button', { name: 'Enable' }).click();
      await page.getByText('picture-key is enabled').waitFor();
      t.is(await read(), 'a picture');
      await picture(page, 'enabled again');
      await page.getByRole('tab', { name: 'Activity' }).click();
      await page.getByRole('button', { name: /^Show: cloud-key\.enable/ }).waitFor();
      await page.getByRole('button', { name: /^Show: cloud-key\.create/ }).waitFor();

      // A list that is open goes by its address, whoever changes that.
      await page.getByRole('link', { name: 'CloudKeys', exact: true }).first().click();
      const found = page.getByRole('link', { name: 'picture-key', exact: true });
      await found.waitFor();
      await typeAndEnter(page.getByRole('combobox', { name: 'Find a CloudKey' }), 'no-such-key');
      await page.getByText('Nothing matches').first().waitFor();
      await found.waitFor({ state: 'detached' });
      await page.getByRole('button', { name: 'Clear filters' }).last().click();
      await found.click();
      await page.getByRole('heading', { name: 'picture-key' }).waitFor();
      t.deepEqual(browser.complaints, []);
    },
  );
}

/** As `holdfast doctor --external-key-store` does, of the external key store whose page it is. */
async function handInFindings(stage: ConsoleStage, page: string, seen: string): Promise<AdminAnswer> {
  const ada = await stage.adasClient();
  const vault = `/vaults/${stage.vaultId}`;
  const { items } = (await ada.get(`${vault}/external-key-stores`)).body as {
    items: { id: string; keySetId: string }[];
  };
  const { id, keySetId } = items.find((one) => page.endsWith(one.id)) ?? {};
  const path = `${vault}/key-sets/${keySetId}/external-key-stores/${id}/doctor-report`;
  const of = { title: 'a check', subject: null, why: 'AWS looks at it' };
  const findings = [
    { ...of, id: 'name.resolves', level: 'OK', seen: '192.0.2.1', remediation: null },
    { ...of, id: 'certificate.validity', level: 'WARNING', seen, remediation: 'renew it' },
    { ...of, id: 'middlebox.headers', level: 'SKIPPED', seen: 'no echo was asked for', remediation: null },
  ];
  return ada.request('PUT', path, { body: { hostname: 'a-machine', endpoint, findings } });
}
