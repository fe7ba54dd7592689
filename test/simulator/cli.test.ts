import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import test from 'ava';
import { createCommand } from '../../simulator/command.ts';

const run = promisify(execFile);
const command = path.resolve('bin/holdfast-simulator');
const directory = await mkdtemp(path.join(tmpdir(), 'simulator-cli-'));
const file = (name: string): string => path.join(directory, name);
test.after.always(async () => {
  await rm(directory, { recursive: true, force: true });
});

interface Started {
  readonly child: ChildProcess;
  readonly url: string;
  readonly lines: string[];
}

async function start(...flags: string[]): Promise<Started> {
  const child = spawn(command, ['--port', '0', '--directory', file('home'), ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === 3) break;
  }
  return { child, lines, url: /ready at (\S+),/.exec(lines[0] ?? '')?.[1] ?? '' };
}

async function stop({ child }: Started): Promise<number | null> {
  child.kill('SIGTERM');
  return child.exitCode ?? ((await once(child, 'exit')) as [number | null])[0];
}

/** The AWS CLI, as it comes: only its environment points at the simulator. */
async function aws({ url }: Started, ...words: string[]): Promise<string> {
  const { stdout } = await run('aws', ['--endpoint-url', url, ...words], {
    env: {
      ...{
        PATH: process.env['PATH'],
        HOME: directory,
        AWS_REGION: 'eu-west-1',
        AWS_DEFAULT_REGION: 'eu-west-1',
      },
      ...{ AWS_CA_BUNDLE: file('home/ca.pem'), AWS_SHARED_CREDENTIALS_FILE: file('home/credentials') },
      ...{ AWS_PAGER: '', AWS_EC2_METADATA_DISABLED: 'true' },
    },
  });
  return stdout;
}

test.serial(
  'the command starts, the AWS CLI works with it, and a restart finds everything again',
  async (t) => {
    const flags = ['--state', file('state.json'), '--trail', file('trail.json'), '--fast'];
    const first = await start(...flags);
    t.regex(
      first.lines[0] ?? '',
      /^holdfast-simulator: ready at https:\/\/127\.0\.0\.1:\d+, account 111122223333$/,
    );
    const secret = /secret_access_key = (\S+)/.exec(await readFile(file('home/credentials'), 'utf8'))?.[1];
    t.truthy(secret);
    t.false(first.lines.join('\n').includes(secret ?? ''));
    t.is((await stat(file('home/credentials'))).mode & 0o777, 0o600);
    t.is((await stat(file('home/key.pem'))).mode & 0o777, 0o600);
    t.regex(await aws(first, 'sts', 'get-caller-identity'), /arn:aws:iam::111122223333:root/);
    t.regex(await aws(first, 's3', 'mb', 's3://some-bucket'), /make_bucket: some-bucket/);
    await writeFile(file('picture'), Buffer.from([0, 1, 2, 255]));
    await aws(first, 's3', 'cp', file('picture'), 's3://some-bucket/picture', '--sse', 'aws:kms');
    const ca = readFileSync(file('home/ca.pem'), 'utf8');
    t.is(await stop(first), 0);
    const { Records: records } = JSON.parse(await readFile(file('trail.json'), 'utf8')) as {
      Records: object[];
    };
    t.true(records.length >= 3);

    const second = await start(...flags);
    t.is(readFileSync(file('home/ca.pem'), 'utf8'), ca, 'clients need not be told of a new CA');
    await aws(second, 's3', 'cp', 's3://some-bucket/picture', file('again'));
    t.deepEqual(await readFile(file('again')), Buffer.from([0, 1, 2, 255]));
    t.is(await stop(second), 0);
    for (const name of ['trail.json', 'trail.json.1', 'state.json'])
      t.is(readFileSync(file(name), 'utf8').includes(secret ?? ''), name === 'state.json', name);
  },
);

const wrong: Record<string, { flags: string[]; says: RegExp; code: number }> = {
  'a port that is none': {
    flags: ['--http', '--port', 'many'],
    says: /--port: is not a port number/,
    code: 64,
  },
  'an account id that is none': {
    flags: ['--http', '--account', '12'],
    says: /--account: an account id has 12/,
    code: 64,
  },
  'a --resolve without a port': {
    flags: ['--http', '--resolve', 'planted=x'],
    says: /--resolve: needs the form/,
    code: 64,
  },
  'half of a certificate': { flags: ['--tls-key', 'x'], says: /--tls-certificate and --tls-key/, code: 64 },
  'a CA that is not there': {
    flags: ['--http', '--xks-ca', 'planted'],
    says: /--xks-ca: the file cannot be read/,
    code: 66,
  },
};

for (const [name, { flags, says, code }] of Object.entries(wrong))
  test(`the command refuses ${name} with exit code ${code} and says so in one line`, async (t) => {
    const home = file(`wrong-${name.replaceAll(' ', '-')}`);
    const failures: [line: string, exitCode: number][] = [];
    const created = createCommand((line, exitCode) => failures.push([line, exitCode]));
    await created.parseAsync(['--directory', home, ...flags], { from: 'user' });
    t.deepEqual(
      failures.map(([, exitCode]) => exitCode),
      [code],
    );
    t.regex(failures[0]?.[0] ?? '', says);
    t.notRegex(failures[0]?.[0] ?? '', /planted|\n/);
    t.false(existsSync(path.join(home, 'credentials')));
  });

test('a flag that makes no sense ends the command with exit code 64, whoever reads it', async (t) => {
  const codes = await Promise.all(
    [['--fault', 'planted'], ['--planted'], ['--port'], ['--version']].map(async (flags) =>
      run(command, flags).then(
        () => 0,
        (error: unknown) => (error as { code: number }).code,
      ),
    ),
  );
  t.deepEqual(codes, [64, 64, 64, 0]);
});

test('a port that is taken ends the command with exit code 69', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const flags = ['--http', '--directory', file('taken'), '--port', String(port)];
  const { code, stderr } = await run(command, flags).then(
    () => ({ code: 0, stderr: '' }),
    (error: unknown) => error as { code: number; stderr: string },
  );
  t.is(code, 69);
  t.is(stderr, 'holdfast-simulator: the port is in use; choose another with --port\n');
  taken.close();
});
