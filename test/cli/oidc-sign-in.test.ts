import { readFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import path from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { Stage } from '../identity/oidc-stage.ts';
import { runCommand, type Run } from './command-line.ts';

const test = anyTest as TestFn<{ stage: Stage; home: string }>;

test.before(async (t) => {
  const stage = await Stage.create();
  await stage.setUp();
  t.context = { stage, home: path.join(path.dirname(stage.ca.certificate), 'config') };
});
test.after.always(async (t) => t.context.stage.dispose());

/** `holdfast login --oidc`, with a browser that goes where the command says, to the port of the command. */
async function signIn({
  stage,
  home,
}: {
  stage: Stage;
  home: string;
}): Promise<{ run: Run; text: string; stray: number | undefined }> {
  const browser = stage.browser();
  const arrived = Promise.withResolvers<{ text: string; stray: number | undefined }>();
  const go = async (start: string) => {
    const { url } = await browser.travel(start, ({ hostname }) => hostname === '127.0.0.1');
    // Some other program of this machine asks first, for what is no address.
    const { hostname, port } = url;
    const [other] = (await once(get({ hostname, port, path: '//' }), 'response')) as [IncomingMessage];
    other.resume();
    const [answer] = (await once(get(url), 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of answer.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
    return { text, stray: other.statusCode };
  };
  let gone = false;
  const run = await runCommand(
    [
      ...['login', '--oidc', '--no-browser', '--endpoint', stage.app.origin, '--vault', stage.vaultId],
      ...['--ca', stage.ca.certificate],
    ],
    {
      env: { XDG_CONFIG_HOME: home },
      listen: ({ stderr }) => {
        const start = /^ {2}(https:\S+)\n/m.exec(stderr)?.[1];
        if (start === undefined || gone) return;
        gone = true;
        go(start).then(arrived.resolve, arrived.reject);
      },
    },
  );
  return { run, ...(await arrived.promise) };
}

test.serial('login --oidc signs in by a browser that comes back to a port of the command', async (t) => {
  const { stage, home } = t.context;
  const user = await stage.addUser();
  stage.account = stage.accountOf(user);
  const { run, text, stray } = await signIn(t.context);
  t.is(run.code, 0, run.stderr);
  t.is(stray, 404);
  t.regex(text, /^Signed in to Holdfast/);
  t.regex(run.stdout, new RegExp(`signed in to .* as ${user.username} \\(auditor\\)`));
  const saved = JSON.parse(await readFile(path.join(home, 'holdfast', 'credentials.json'), 'utf8'));
  t.is(saved.profiles.default.vault, stage.vaultId);
  const who = await runCommand(['--json', 'whoami'], { env: { XDG_CONFIG_HOME: home } });
  t.is(JSON.parse(who.stdout).method, 'oidc');
});

test.serial('who is no user here is refused, in the browser and on the terminal', async (t) => {
  const { stage } = t.context;
  stage.account = { sub: 'stranger', email: 'stranger@example.com', email_verified: true };
  const { run, text } = await signIn(t.context);
  t.is(run.code, 77);
  t.regex(run.stderr, /the sign-in with the provider did not succeed: sign-in-refused/);
  t.regex(text, /^The sign-in was refused/);
});
