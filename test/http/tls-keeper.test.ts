import { renameSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Writable } from 'node:stream';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { TlsKeeper } from '../../src/node/tls/tls-keeper.ts';
import { createLog } from '../../src/log.ts';
import { TestCa } from '../../testing/certificates.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import type { LogLine } from '../../testing/served-node.ts';

/* What becomes of TLS files that are put in the place of good ones. */

interface Pair {
  certificate: string;
  key: string;
}

interface Stage {
  directory: string;
  ca: TestCa;
  files: Pair;
  keeper: TlsKeeper;
  log: LogLine[];
  /** How many times other files were taken into use. */
  changes: () => number;
  set: (now: Date) => void;
}
const test = anyTest as TestFn<Stage>;
const parts = ['key', 'certificate'] as const;
const day = 24 * 3_600_000;

test.beforeEach(async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-tls-'));
  const ca = await TestCa.create(directory);
  const files = {
    certificate: path.join(directory, 'served.pem'),
    key: path.join(directory, 'served-key.pem'),
  };
  const log: LogLine[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write: (text: string, _encoding, done) => {
      log.push(JSON.parse(text) as LogLine);
      done();
    },
  });
  let changes = 0;
  let now: Date | undefined;
  const stage = { directory, ca, files, log, changes: () => changes, set: (next: Date) => (now = next) };
  await put(stage, await ca.issue('localhost', { dnsNames: ['xks.example.com'] }));
  const keeper = new TlsKeeper({
    files: { ...files, client_subjects: [] },
    host: 'xks.example.com',
    log: createLog('info', {}, stream),
    onChange: () => changes++,
    interval: 20,
    now: () => now ?? new Date(),
  });
  t.context = { ...stage, keeper };
});
test.afterEach.always(async (t) => {
  t.context.keeper.stop();
  await rm(t.context.directory, { recursive: true, force: true });
});

/** Both at one moment, as far as the keeper can see. */
async function put({ files }: Pick<Stage, 'files'>, from: Pair): Promise<void> {
  for (const part of parts) await copyFile(from[part], `${files[part]}.new`);
  for (const part of parts) renameSync(`${files[part]}.new`, files[part]);
}

/** Waits until the keeper has said something like this. */
async function told({ log }: Stage, problem: RegExp): Promise<LogLine> {
  for (;;) {
    const line = log.find((one) => problem.test(String(one['problem'])));
    if (line !== undefined) return line;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function taken({ keeper }: Stage, { certificate }: Pair): Promise<void> {
  const wanted = await readFile(certificate, 'utf8');
  while (keeper.served.cert !== wanted) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The files are there, and what was served before still is; then good files are taken up all the same. */
async function assertRefused(t: ExecutionContext<Stage>, problem: RegExp): Promise<void> {
  const before = t.context.keeper.served;
  const { level, msg } = await told(t.context, problem);
  t.deepEqual([level, msg], ['error', 'TLS certificate not changed: the new files cannot be used']);
  t.is(t.context.keeper.served, before);
  t.is(t.context.changes(), 0);
  const good = await t.context.ca.issue('localhost', { dnsNames: ['xks.example.com'] });
  await put(t.context, good);
  await taken(t.context, good);
}

const names = { dnsNames: ['xks.example.com'] };

test('an expired certificate does not take the place of a good one', async (t) => {
  await put(t.context, await t.context.ca.issue('localhost', { ...names, days: -1 }));
  await assertRefused(
    t,
    /^\S+served\.pem: the certificate expired at 20[-\dT:.]+Z: no client takes it any more$/,
  );
});

test('where the served one has expired itself, there is nothing to lose', async (t) => {
  t.context.set(new Date(Date.now() + 60 * day));
  const expired = await t.context.ca.issue('localhost', names);
  await put(t.context, expired);
  await taken(t.context, expired);
  t.is((await told(t.context, /expired at/)).level, 'warn');
});

test('a certificate that is not valid yet is taken into use once it is', async (t) => {
  const next = await t.context.ca.issue('localhost', { ...names, startsIn: 2 });
  await put(t.context, next);
  const { level } = await told(
    t.context,
    /served\.pem: the certificate is not valid before 20[-\dT:.]+Z: no client takes it until then$/,
  );
  t.is(level, 'error');
  t.is(t.context.changes(), 0);
  t.context.set(new Date(Date.now() + 3 * day));
  await taken(t.context, next);
  t.is(t.context.changes(), 1);
});

test('files that cannot be used change nothing: no PEM, the key of another, an empty file, none', async (t) => {
  const { files } = t.context;
  await writeFile(files.certificate, 'no certificate');
  await assertRefused(t, /the TLS certificate has no certificate/);
  t.context.log.length = 0;
  const before = t.context.keeper.served;
  for (const [break_, problem] of [
    [
      async () =>
        put(t.context, { certificate: files.certificate, key: (await t.context.ca.issue('x')).key }),
      /cannot be used together \(the key is of another certificate\)/,
    ],
    [async () => writeFile(files.key, ''), /the TLS key has no private key/],
  ] as const) {
    await break_();
    await told(t.context, problem);
    t.context.log.length = 0;
    t.is(t.context.keeper.served, before);
  }
  await rm(files.certificate);
  t.context.log.length = 0;
  t.context.keeper.reload();
  t.regex(String(t.context.log[0]?.['problem']), /the TLS certificate cannot be read: /);
  t.is(t.context.keeper.served, before);
});

test('a certificate that is not for the names of the one before it is taken, and warned of', async (t) => {
  const other = await t.context.ca.issue('localhost', { dnsNames: ['other.example.com'] });
  await put(t.context, other);
  await taken(t.context, other);
  const lost = await told(t.context, /not for xks\.example\.com, as the one before it was$/);
  t.deepEqual([lost.level, lost.msg], ['warn', 'TLS certificate taken into use']);
  await told(t.context, /not for xks\.example\.com, which admin\.public_url names$/);
});

test('a wildcard is as good as the names that it stands for', async (t) => {
  const wild = await t.context.ca.issue('localhost', { dnsNames: ['*.example.com'] });
  await put(t.context, wild);
  await taken(t.context, wild);
  t.deepEqual(t.context.log, []);
});

test('a certificate without its chain is taken, and warned of', async (t) => {
  const bare = await t.context.ca.issue('localhost', { ...names, caIssuers: 'http://ca.example.com/ca.der' });
  await put(t.context, bare);
  await taken(t.context, bare);
  t.is((await told(t.context, /without its chain/)).level, 'warn');
});

test('where the one before it came with its chain, so must the next', async (t) => {
  const { ca, directory } = t.context;
  const whole = await ca.issue('localhost', names);
  const chain = path.join(directory, 'chain.pem');
  await writeFile(
    chain,
    (await readFile(whole.certificate, 'utf8')) + (await readFile(ca.certificate, 'utf8')),
  );
  await put(t.context, { ...whole, certificate: chain });
  await taken(t.context, { ...whole, certificate: chain });
  t.deepEqual(t.context.log, []);
  await put(t.context, whole);
  await told(t.context, /without its chain/);
});

test('a chain of another CA is warned of', async (t) => {
  const elsewhere = path.join(t.context.directory, 'elsewhere');
  await mkdir(elsewhere);
  const other = await TestCa.create(elsewhere, 'ca');
  const pair = await t.context.ca.issue('localhost', names);
  const chain = path.join(t.context.directory, 'chain.pem');
  await writeFile(
    chain,
    (await readFile(pair.certificate, 'utf8')) + (await readFile(other.certificate, 'utf8')),
  );
  await put(t.context, { ...pair, certificate: chain });
  const problem = /certificate number 2 did not issue the one before it: /;
  t.is((await told(t.context, problem)).level, 'warn');
});

test('a certificate for clients is warned of', async (t) => {
  const client = await t.context.ca.issue('localhost', {
    client: true,
    dnsNames: ['localhost', 'xks.example.com'],
  });
  await put(t.context, client);
  t.is((await told(t.context, /not for servers \(extended key usage\)/)).level, 'warn');
});
