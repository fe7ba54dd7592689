import { readFileSync } from 'node:fs';
import test from 'ava';
import { Secret as TotpSecret, TOTP } from 'otpauth';
import { axeViolations, picture } from '../../testing/browser.ts';
import { clientSecret, openIdProvider } from '../identity/openid-provider.ts';
import { listenTls } from '../identity/oidc-stage.ts';
import { dialogOf, lookAgain, signIn, typeAndEnter, type ConsoleStage } from './stage.ts';

/** Second factor and single sign-on, as people meet them. */
export function testSigningIn(open: () => ConsoleStage): void {
  test.serial(
    'a second factor is set up, asked for, and a recovery code stands in for it once',
    async (t) => {
      const { page, home, browser, passwords } = open();
      await page.goto(`${home}/account/security`);
      const setUp = page.getByRole('button', { name: 'Set up' });
      const turnOff = page.getByRole('button', { name: 'Turn off' });
      // A field takes the focus as the dialog opens; whoever has no mouse has it back all the same.
      await setUp.press('Enter');
      const dialog = dialogOf(page);
      await dialog.getByLabel('Your password').press('Escape');
      await page.locator('button:focus', { hasText: 'Set up' }).waitFor();
      await setUp.click();
      t.is(await turnOff.count(), 0);
      await typeAndEnter(dialog.getByLabel('Your password'), passwords.ada);
      const secret = (await dialog.getByText(/^[A-Z2-7]{32}$/).textContent()) ?? '';
      await picture(page, 'add the second factor to an app');
      t.deepEqual(await axeViolations(page), []);
      const code = (steps: number) =>
        TOTP.generate({
          secret: TotpSecret.fromBase32(secret),
          timestamp: Date.now() + steps * 30_000,
          algorithm: 'SHA1',
          digits: 6,
        });
      const now = code(0);
      await typeAndEnter(dialog.getByLabel('Six digits'), now);
      const panel = page.getByRole('dialog', { name: 'Recovery codes' });
      const codes = (await panel.locator('.copyable').textContent())?.trim().split(/\s+/) ?? [];
      t.is(codes.length, 10);
      await picture(page, 'recovery codes');
      // Copied is taken.
      await panel.getByRole('button', { name: 'Copy: Recovery codes' }).click();
      await panel.getByRole('button', { name: 'Done' }).click();
      await panel.waitFor({ state: 'detached' });
      await page.getByText('The second factor is on').first().waitFor();
      await page.goBack();
      await page.goForward();
      await page.getByRole('heading', { name: 'Password and second factor' }).waitFor();
      t.false((await page.content()).includes(codes[0] ?? ''));

      const elsewhere = await browser.person();
      const view = await elsewhere.newPage();
      await view.goto(`${home}/cloud-keys`);
      await signIn(view, 'ada', passwords.ada);
      await view.getByRole('heading', { name: 'Second factor' }).waitFor();
      await picture(view, 'the second factor is asked for');
      t.deepEqual(await axeViolations(view), []);
      // The code that set it up has been used.
      await typeAndEnter(view.getByLabel('Code'), now);
      await view.getByText('The code is wrong, was used already, or its time is over').waitFor();
      await typeAndEnter(view.getByLabel('Code'), codes[0] ?? '');
      await view.getByRole('heading', { name: 'CloudKeys' }).waitFor();
      await elsewhere.close();

      await turnOff.click();
      t.is(await setUp.count(), 0);
      await dialog.getByLabel('Your password').fill(passwords.ada);
      await typeAndEnter(dialog.getByLabel('Code of the app'), codes[0] ?? '');
      await dialog.getByText('The password or the code is wrong').waitFor();
      await typeAndEnter(dialog.getByLabel('Code of the app'), codes[1] ?? '');
      await page.getByText('The second factor is off').first().waitFor();
      await setUp.waitFor();
      t.deepEqual(browser.complaints, []);
    },
  );

  test.serial('single sign-on is set up, and a user of the provider comes in by it', async (t) => {
    const stage = open();
    const { page, home, browser, origin, story, vaultId } = stage;
    const { ca } = story.node;
    const server = await listenTls(ca);
    t.teardown(async () => server.close());
    let who: { sub: string; email: string; email_verified: boolean } | undefined;
    server.handler = openIdProvider(server.origin, `${origin}/api/v1/oidc/callback`, () => who);

    await page.getByRole('link', { name: 'Single sign-on', exact: true }).click();
    await page.getByRole('button', { name: 'Set up' }).click();
    const dialog = dialogOf(page);
    await dialog.getByLabel('Issuer').fill(server.origin);
    await dialog.getByLabel('Client id').fill('holdfast');
    await dialog.getByLabel('Client secret').fill(clientSecret);
    await dialog.getByLabel('CA certificates').fill(readFileSync(ca.certificate, 'utf8'));
    await picture(page, 'set up single sign-on');
    t.deepEqual(await axeViolations(page), []);
    await dialog.getByRole('button', { name: 'Save changes' }).click();
    await page.getByText(`${origin}/api/v1/oidc/callback`).waitFor();

    await page.getByRole('link', { name: 'Users', exact: true }).click();
    await page.getByRole('button', { name: 'Create user' }).first().click();
    await dialog.getByLabel('Username').fill('barbara');
    await dialog.getByLabel('Full name').fill('Barbara Liskov');
    await dialog.getByLabel('Email').fill('barbara@example.com');
    await dialog.getByRole('button', { name: 'Signs in by' }).click();
    await page
      .getByRole('option', { name: /single sign-on/i })
      .first()
      .click();
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });

    const elsewhere = await browser.person();
    const view = await elsewhere.newPage();
    await view.goto(`${origin}/sign-in/${vaultId}`);
    // Refused at the provider, then somebody whom nobody knows here, then Barbara.
    await view.getByRole('button', { name: 'Continue with single sign-on' }).click();
    await view.getByText('The provider refused the sign-in').waitFor();
    await picture(view, 'refused by the provider');
    who = { sub: 'x', email: 'nobody@example.com', email_verified: true };
    await view.getByRole('button', { name: 'Sign in again' }).click();
    await view.getByRole('button', { name: 'Continue with single sign-on' }).click();
    await view.getByText('Nobody here is who you are at the provider').waitFor();
    await elsewhere.clearCookies({ path: '/' });
    who = { sub: 'b', email: 'barbara@example.com', email_verified: true };
    await view.getByRole('button', { name: 'Sign in again' }).click();
    await view.getByRole('button', { name: 'Continue with single sign-on' }).click();
    await view.getByRole('heading', { name: 'Overview' }).waitFor();
    t.is(view.url(), home);
    await view.getByRole('button', { name: 'Barbara Liskov' }).waitFor();
    // Nothing of the sign-in is left in the address or in the browser.
    t.is(await view.evaluate('JSON.stringify(sessionStorage)'), '{}');
    await picture(view, 'in by single sign-on');

    // Her session is ended while she types: the provider is asked in a tab of its own, and the page goes on.
    await view.goto(`${home}/account/api-keys`);
    await view.getByRole('button', { name: 'Create API key' }).first().click();
    const typed = view.getByRole('dialog', { name: 'Create API key' }).getByLabel('Name');
    await typed.fill('of-barbara');
    await page.getByRole('link', { name: 'API keys and sessions', exact: true }).click();
    await page.getByRole('tab', { name: 'Sessions' }).click();
    await page.getByRole('button', { name: /^End: barbara, / }).click();
    await dialog.getByText(/^holdfast session end \S+ --user barbara$/).waitFor();
    await picture(page, 'end a session of somebody');
    t.deepEqual(await axeViolations(page), []);
    await dialog.getByRole('button', { name: 'End', exact: true }).click();
    await page.getByText('A session of barbara has ended').waitFor();
    await lookAgain(view);
    const ended = view.getByRole('dialog', { name: 'Your session has ended' });
    const opened = elsewhere.waitForEvent('page');
    await ended.getByRole('button', { name: 'Continue with single sign-on' }).click();
    const another = await opened;
    await another.getByRole('heading', { name: 'Overview' }).waitFor();
    t.is(await another.evaluate('JSON.stringify(sessionStorage)'), '{}');
    await another.close();
    await picture(view, 'single sign-on again, in another tab');
    await lookAgain(view);
    await ended.waitFor({ state: 'detached' });
    t.is(await typed.inputValue(), 'of-barbara');
    t.is(await view.evaluate('JSON.stringify(sessionStorage)'), '{}');
    await elsewhere.close();
    browser.complaints.length = 0;
  });
}
