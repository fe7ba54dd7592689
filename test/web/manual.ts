import { randomUUID } from 'node:crypto';
import test from 'ava';
import { axeViolations, picture } from '../../testing/browser.ts';
import { made } from '../admin/two-vaults.ts';
import { endpoint } from '../story/story-vault.ts';
import { choose, dialogOf, type ConsoleStage } from './stage.ts';
import { region } from './guide.ts';

/** An AWS account that gives nobody a credential: what a person does there, and what they tell the console of it. */
export function testManual(open: () => ConsoleStage): void {
  test.serial(
    'who has no AWS credential here learns what to enter in AWS, and tells what came of it',
    async (t) => {
      const stage = open();
      const { page, home, vaultId, browser } = stage;
      const api = await stage.adasClient();
      const vault = `/vaults/${vaultId}`;
      const { items } = (await api.get(`${vault}/admin-groups`)).body as { items: { id: string }[] };
      const adminGroupId = items[0]?.id;
      const account = await made(api, `${vault}/csp-accounts`, {
        ...{ name: 'by-a-person', type: 'manual', adminGroupId, awsAccountId: '444455556666' },
      });
      const keySet = await made(api, `${vault}/key-sets`, {
        ...{
          name: 'wages',
          cspAccountId: account.id,
          adminGroupId,
          token: 'token',
          pathPrefix: 'wages-7f3c',
        },
      });
      const stores = `${vault}/key-sets/${keySet.id}/external-key-stores`;
      const store = await made(api, stores, { region, uriEndpoint: endpoint });
      const cloudKey = await made(api, `${vault}/cloud-keys`, {
        keySetId: keySet.id,
        name: 'payroll',
        region,
      });
      const dialog = dialogOf(page);

      await page.goto(`${home}/external-key-stores/${keySet.id}/${store.id}`);
      await page.getByRole('button', { name: 'Actions', exact: true }).click();
      await page.getByRole('menuitem', { name: 'Record what AWS shows' }).click();
      await dialog.getByLabel('Id in AWS (cks-…)').fill('cks-0123456789abcdef0');
      await choose(dialog, /^State in AWS/, 'Connected');
      await choose(dialog, /^Connectivity/, 'VPC endpoint service');
      await dialog.getByText('With another connectivity the endpoint is another too').waitFor();
      const service = 'com.amazonaws.vpce.eu-central-1.vpce-svc-0123456789abcdef0';
      await dialog.getByRole('textbox', { name: 'VPC endpoint service' }).fill(service);
      await dialog.getByLabel(/^AWS account that owns it/).fill('777788889999');
      await dialog.getByLabel('Endpoint', { exact: true }).fill('https://xks-private.example.test');
      await dialog.getByText('--vpc-endpoint-service-owner 777788889999').waitFor();
      await picture(page, 'what AWS shows of an external key store made manually');
      t.deepEqual(await axeViolations(page), []);
      await dialog.getByRole('button', { name: 'Save changes' }).click();
      await page.getByText('777788889999', { exact: true }).waitFor();
      t.like((await api.get(`${stores}/${store.id}`)).body, {
        ...{ state: 'CONNECTED', connectivity: 'VPC_ENDPOINT_SERVICE', vpcEndpointServiceName: service },
      });

      await page.goto(`${home}/cloud-keys/${cloudKey.id}?tab=aws`);
      await page.getByRole('button', { name: 'Create KMS key' }).click();
      await dialog.getByText('the KMS key itself somebody creates there manually').waitFor();
      await dialog.getByText('holdfast kms-key create payroll --key-set wages').waitFor();
      await picture(page, 'create the KMS key of a CloudKey');
      await dialog.getByRole('button', { name: 'Create KMS key' }).click();
      await page.getByRole('heading', { level: 1, name: 'alias/payroll' }).waitFor();
      await page.getByText('Choose the key store wages; it must be Connected').waitFor();
      await page.getByRole('button', { name: 'Copy: External key id' }).waitFor();
      // AWS's console puts `alias/` before it.
      await page
        .locator('.copyable')
        .filter({ hasText: /^payroll$/ })
        .waitFor();
      await page.getByText(`--xks-key-id ${cloudKey.externalKeyId}`).waitFor();
      await page.getByText('arn:aws:iam::444455556666:root').waitFor();
      await picture(page, 'what to enter in AWS for a KMS key');
      t.deepEqual(await axeViolations(page), []);

      const keyArn = `arn:aws:kms:${region}:444455556666:key/${randomUUID()}`;
      await page.getByRole('button', { name: 'Enter its ARN' }).click();
      await dialog.getByLabel(/^ARN of the KMS key/).fill(` ${keyArn}\n`);
      await dialog.getByText(`--key-arn ${keyArn}`).waitFor();
      await dialog.getByRole('button', { name: 'Save changes' }).click();
      await page.getByText('The KMS key of payroll is linked').waitFor();
      await page.getByText('This KMS key is to be created manually in AWS').waitFor({ state: 'detached' });
      await page.getByText(keyArn, { exact: true }).waitFor();
      // From now on the values are for what is there.
      await page.getByRole('tab', { name: 'Values for the AWS console' }).click();
      await page.getByText('aws kms schedule-key-deletion', { exact: true }).waitFor();

      const kmsKey = page.url().replace(/\?.*/, '');
      await page.getByRole('button', { name: 'Actions', exact: true }).click();
      await page.getByRole('menuitem', { name: 'Stop keeping it here' }).click();
      await dialog.getByRole('button', { name: 'Stop keeping it here' }).click();
      await dialog.waitFor({ state: 'detached' });
      await page.goto(kmsKey);
      await page.getByText('It stayed in AWS as it was.').waitFor();
      t.deepEqual(browser.complaints, []);
    },
  );

  test.serial(
    'a key set for an AWS account that gives no credential ends with what to enter there',
    async (t) => {
      const { page, home, browser } = open();
      await page.goto(`${home}/key-sets/create`);
      const wizard = page.locator('main');
      const next = page.getByRole('button', { name: 'Next' });
      await wizard.getByRole('textbox', { name: 'Name' }).fill('pensions');
      await next.click();
      await wizard.getByLabel('URI path prefix').waitFor();
      await next.click();
      await choose(wizard, /^CSP account None/, 'by-a-person');
      await next.click();
      await wizard.getByLabel(/^Request quota/).fill('500');
      await wizard.getByLabel(/^Largest burst/).fill('1000');
      await next.click();
      await wizard.getByText('Create its external key store now').click();
      await wizard.getByRole('textbox', { name: 'Region' }).fill(region);
      await wizard.getByRole('textbox', { name: 'Endpoint' }).fill(endpoint);
      await next.click();
      await page.getByText('500 a second, 1000 at once').waitFor();
      await page.getByText('--quota 500/1000').waitFor();
      await page.getByRole('button', { name: 'Create key set' }).click();
      const panel = dialogOf(page);
      await panel.getByText('Shown this once').waitFor();
      await panel.getByRole('button', { name: /^Download .*xks-proxy-config\.json/ }).waitFor();
      await picture(page, 'what to enter in AWS for a new key set');
      t.deepEqual(await axeViolations(page), []);
      await panel.getByLabel('I have it').check();
      await panel.getByRole('button', { name: 'Done' }).click();
      await page.waitForURL(`${home}/external-key-stores/**`);
      await page.getByRole('heading', { level: 1, name: 'pensions' }).waitFor();
      t.deepEqual(browser.complaints, []);
    },
  );

  test.serial('a corrected AWS secret is another request, and the same one sent again is not', async (t) => {
    const { page, home, browser } = open();
    await page.goto(`${home}/csp-accounts`);
    await page.getByRole('button', { name: 'Create CSP account' }).first().click();
    const dialog = dialogOf(page);
    await dialog.getByRole('textbox', { name: 'Name' }).fill('twice');
    await dialog.getByLabel('Access key id').fill('AKIAIOSFODNN7EXAMPLE');
    const secret = dialog.getByLabel('Secret access key');
    const keys: (string | undefined)[] = [];
    await page.route('**/csp-accounts', async (route) => {
      if (route.request().method() !== 'POST') return route.fallback();
      keys.push(route.request().headers()['idempotency-key']);
      await route.abort();
    });
    const create = dialog.getByRole('button', { name: 'Create', exact: true });
    for (const text of ['a'.repeat(40), 'a'.repeat(40), 'b'.repeat(40)]) {
      await secret.fill(text);
      const failed = page.waitForEvent('requestfailed');
      await create.click();
      await failed;
      await page.locator('[data-testid=submit]:not([aria-disabled=true])').waitFor();
    }
    await page.unrouteAll();
    t.is(keys.length, 3);
    t.is(keys[1], keys[0]);
    t.not(keys[2], keys[0]);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    // The browser tells of the answers that were taken from it.
    browser.complaints.length = 0;
  });
}
