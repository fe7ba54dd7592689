import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { axeViolations, picture } from '../../testing/browser.ts';
import { XksClient } from '../../testing/xks-client.ts';
import { made } from '../admin/two-vaults.ts';
import { dialogOf, typeAndEnter, type ConsoleStage } from './stage.ts';

/** What AWS was refused, as somebody looks into it whose application cannot decrypt. */
export function testRequests(open: () => ConsoleStage): void {
  test.serial('a refused request shows by itself, is found, explained and taken along', async (t) => {
    const stage = open();
    const { page, browser, story, vaultId } = stage;
    const api = await stage.adasClient();
    const { body } = await api.get(`/vaults/${vaultId}/key-sets`);
    const keySet = (body as { items: { id: string; xksProxyUriPath: string }[] }).items[0];
    const credential = await made(api, `/vaults/${vaultId}/key-sets/${keySet?.id}/credentials`, {});
    const { accessKeyId, rawSecretAccessKey: secretAccessKey } = credential;
    const client = (secret: string) =>
      new XksClient(
        story.node.port,
        { uriPath: keySet?.xksProxyUriPath ?? '', accessKeyId, secretAccessKey: secret },
        { ca: story.node.ca.certificate },
      );
    const xks = client(secretAccessKey);
    const wrong = secretAccessKey.toLowerCase();
    const forger = client(wrong);
    const forged = await forger.sign(`${keySet?.xksProxyUriPath}/keys/no-such-key/metadata`, {});
    t.is((await forger.send(forged)).status, 401);
    forger.close();
    await page.getByRole('link', { name: 'Requests', exact: true }).click();
    // Since the guide, when its key was disabled.
    const ofGuide = page.getByRole('link', { name: 'picture-key' }).first();
    await ofGuide.waitFor();
    await page
      .getByRole('button', { name: /^Details: InvalidStateException/ })
      .first()
      .waitFor();
    const awsPrincipalArn = 'arn:aws:iam::111122223333:user/stranger';
    const answer = await xks.post('keys/no-such-key/metadata', {
      requestMetadata: { awsPrincipalArn, kmsOperation: 'DescribeKey', kmsRequestId: 'of-the-stranger' },
    });
    t.is(answer.body.errorName, 'KeyNotFoundException');
    const found = page.getByRole('button', { name: /^Details: KeyNotFoundException/ });
    await found.waitFor();

    const filter = page.locator('main').getByRole('combobox', { name: 'Find' });
    await typeAndEnter(filter, 'stranger');
    await ofGuide.waitFor({ state: 'detached' });
    // Whoever is sent the address sees the same.
    t.regex(new URL(page.url()).search, /stranger/);
    await found.click();
    const dialog = dialogOf(page);
    await dialog.getByText('of-the-stranger').waitFor();
    await dialog.getByText('What to do').waitFor();
    await picture(page, 'a refused request');
    t.deepEqual(await axeViolations(page), []);
    // Whoever is sent the address has it open, though no list has it.
    const id = new URL(page.url()).searchParams.get('request');
    const years = 'from=2020-01-01T00:00:00Z&to=2021-01-01T00:00:00Z';
    await page.goto(`${stage.home}/requests?request=${id}&${years}`);
    await dialog.getByText('of-the-stranger').waitFor();
    await dialog.getByText(`holdfast --json request list --id ${id}`).waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    // By what CloudTrail has.
    await typeAndEnter(page.getByRole('combobox', { name: 'Find a CloudKey' }), 'of-the-stranger');
    await page.waitForURL((url) => url.searchParams.get('filter')?.includes('by-kmsRequestId') === true);
    await page.getByText('The whole list was searched.').waitFor();
    await found.waitFor();

    await page.getByRole('button', { name: 'Download', exact: true }).click();
    await dialog.getByText('holdfast --json request list --kms-request-id of-the-stranger').waitFor();
    const file = page.waitForEvent('download');
    await dialog.getByRole('button', { name: 'Download', exact: true }).click();
    const csv = readFileSync((await (await file).path()) ?? '', 'utf8');
    t.true(csv.includes(awsPrincipalArn));
    t.false(csv.includes('picture-key'));

    await page.getByRole('link', { name: 'Requests', exact: true }).first().click();
    await page.getByRole('link', { name: 'Compare with CloudTrail' }).click();
    // In the log of the node alone: AWS KMS did not ask for it.
    const kmsKeyArn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
    await xks.post('keys/no-such-key/encrypt', {
      ...{ plaintext: 'AAAA', encryptionAlgorithm: 'AES_GCM' },
      requestMetadata: { awsPrincipalArn, kmsOperation: 'Encrypt', kmsRequestId: 'of-the-thief', kmsKeyArn },
    });
    xks.close();
    await story.node.waitForLog(({ kmsRequestId }) => kmsRequestId === 'of-the-thief');
    // Until later than anything in the log.
    const eventTime = '2120-01-01T00:00:00Z';
    const last = { eventTime, eventSource: 'sts.amazonaws.com', awsRegion: 'eu-central-1' };
    const records = [...story.simulator.trail.events(), { ...last, recipientAccountId: '111122223333' }];
    const files = {
      'trail.json.gz': gzipSync(JSON.stringify({ Records: records })),
      'node.jsonl': story.node.output,
    };
    for (const [at, [name, text]] of Object.entries(files).entries())
      await page
        .locator('main input[type=file]')
        .nth(at)
        .setInputFiles({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(text) });
    await page
      .getByText('holdfast request unexplained --cloudtrail trail.json.gz --log node.jsonl')
      .waitFor();
    await page.getByRole('button', { name: 'Compare', exact: true }).click();
    await page.getByText('Requests that CloudTrail knows nothing of: 1', { exact: true }).waitFor();
    await page
      .locator('main table')
      .getByRole('row', { name: /In CloudTrail.*user\/stranger/ })
      .waitFor();
    await picture(page, 'requests that CloudTrail knows nothing of');

    // On the left, and not where the page is beneath.
    await page.getByRole('link', { name: 'Requests', exact: true }).first().click();
    await ofGuide.click();
    await page.getByRole('heading', { name: 'picture-key' }).waitFor();

    // Whose signature is wrong is nobody's: it shows where the appliance is looked after, and not in the vault.
    const auditor = await browser.person();
    await stage.signedIn(auditor, '', 'of-requests', 'appliance-auditor');
    const view = await auditor.newPage();
    await view.goto(`${stage.origin}/console/appliance/requests`);
    await view
      .getByRole('button', { name: /^Details: AuthenticationFailedException/ })
      .first()
      .click();
    await dialogOf(view).getByText('What to do').waitFor();
    const [, signature = ''] = /Signature=(\w+)/.exec(forged.headers['authorization'] ?? '') ?? [];
    t.is(signature.length, 64);
    const shown = await view.content();
    for (const secret of [secretAccessKey, wrong, signature]) t.false(`${shown}${csv}`.includes(secret));
    await auditor.close();
    const withdrawn = `/vaults/${vaultId}/key-sets/${keySet?.id}/credentials/${accessKeyId}`;
    t.true((await api.change('DELETE', withdrawn)).status < 300);
    t.deepEqual(browser.complaints, []);
  });
}
