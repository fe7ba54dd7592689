import { execFile } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { TestNode } from '../support/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../support/tokens.ts';
import { guideBlocks, guideScript } from './guide-blocks.ts';

const test = anyTest as TestFn<{ fixtures: TokenFixture[]; nodes: TestNode[] }>;

const bin = path.resolve(import.meta.dirname, '../../bin');

test.before((t) => {
  t.context = { fixtures: [], nodes: [] };
});
test.after.always(async (t) => {
  await Promise.all(t.context.nodes.map(async (node) => node.dispose()));
  await Promise.all(t.context.fixtures.map(async (fixture) => fixture.dispose()));
});

test('every task of the guide is there in both forms', (t) => {
  const headings = (form: string) =>
    new Set(
      guideBlocks()
        .filter((b) => b.form === form)
        .map((b) => b.heading),
    );
  const commands = headings('command-line');
  t.true(commands.size > 15);
  t.deepEqual(
    [...commands],
    [...headings('api')].filter((heading) => heading !== 'Before you begin'),
  );
});

for (const form of ['command-line', 'api'] as const)
  test.serial(`the guide can be walked from beginning to end: ${form}`, async (t) => {
    const fixture = await createSoftHsmToken();
    t.context.fixtures.push(fixture);
    const node = await TestNode.start({ tokens: [{ fixture, name: 'primary' }], admin: true });
    t.context.nodes.push(node);
    const { endpoint, ca, password } = node.admin;
    const directory = path.join(node.directory, form);
    await mkdir(directory);
    await writeFile(path.join(directory, 'admin.first'), `${password}\n`, { mode: 0o600 });
    const { code, output } = await walk(guideScript(form), directory, {
      PATH: `${bin}:${process.env['PATH']}`,
      HOME: directory,
      HOLDFAST_ENDPOINT: endpoint,
      HOLDFAST_CA: ca,
    });
    t.is(code, 0, output.slice(-3000));
    t.regex(output, /### walked\n$/);
    const consoleFile = path.join(directory, 'xks-proxy-config.json');
    t.is((await stat(consoleFile)).mode & 0o777, 0o600);
    // What it leaves: a key that AWS can use, with the credential that took over.
    const issued = JSON.parse(await readFile(path.join(directory, 'new.json'), 'utf8')) as {
      XksProxyUriPath: string;
      XksProxyAuthenticationCredential: { AccessKeyId: string; RawSecretAccessKey: string };
    };
    const client = node.client({
      uriPath: issued.XksProxyUriPath,
      accessKeyId: issued.XksProxyAuthenticationCredential.AccessKeyId,
      secretAccessKey: issued.XksProxyAuthenticationCredential.RawSecretAccessKey,
    });
    t.teardown(() => client.close());
    const externalKeyId = /"externalKeyId": ?"([^"]+)"|externalKeyId +(\S+)/.exec(output);
    const answer = await client.encrypt(externalKeyId?.[1] ?? externalKeyId?.[2] ?? '', 'payslip');
    t.is(answer.status, 200, answer.text);
  });

async function walk(
  script: string,
  directory: string,
  env: Record<string, string>,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      '/bin/bash',
      ['-c', script],
      { cwd: directory, env, maxBuffer: 16 * 2 ** 20 },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), output: `${stdout}\n${stderr}` }),
    );
    child.stdin?.end();
  });
}
