import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { checkConfiguration, type Findings } from '../../src/cli/node/configuration-check.ts';
import { loadConfig } from '../../src/config/load.ts';
import { testCas, type TestCas } from '../../testing/certificates.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { buildShim } from '../../testing/shim.ts';

const test = anyTest as TestFn<TestCas & { directory: string; module: string }>;

test.before(async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-check-'));
  t.context = { directory, module: await buildShim(), ...(await testCas(directory)) };
  await writeFile(path.join(directory, 'pin'), '1234\n', { mode: 0o600 });
});

test.after.always(async (t) => rm(t.context.directory, { recursive: true, force: true }));

let count = 0;

/** What is found in a good configuration with these changes; paths are told without the directory. */
async function found(
  { directory, module, tls }: TestCas & { directory: string; module: string },
  change: {
    xks?: string;
    tls?: { certificate: string; key: string };
    admin?: string;
    rest?: string;
    token?: string;
  } = {},
): Promise<Findings> {
  const file = path.join(directory, `holdfast-${++count}.toml`);
  const { certificate, key } = change.tls ?? tls;
  await writeFile(
    file,
    `[node]
state_directory = "state"
[xks]
${change.xks ?? ''}
[xks.tls]
certificate = "${certificate}"
key = "${key}"
[admin]
${change.admin ?? ''}
${change.rest ?? ''}
[[token]]
name = "token"
profile = "softhsm2"
label = "token"
pin = { file = "pin" }
${change.token ?? `module = "${module}"`}
`,
  );
  const { problems, warnings } = await checkConfiguration(loadConfig(file));
  const short = (text: string) => text.replaceAll(file, 'FILE').replaceAll(`${directory}/`, '');
  return { problems: problems.map(short), warnings: warnings.map(short) };
}

test.serial(
  'a state directory or store that others may use is warned of, with the command that closes it',
  async (t) => {
    const state = path.join(t.context.directory, 'state');
    await mkdir(state, { mode: 0o755 });
    await chmod(state, 0o755);
    await writeFile(path.join(state, 'holdfast.db'), '');
    await chmod(path.join(state, 'holdfast.db'), 0o640);
    try {
      const { warnings } = await found(t.context);
      t.true(
        warnings.includes(
          'the state directory state: group or others may use it (mode 0755); chmod 0700 state',
        ),
        warnings.join('\n'),
      );
      t.true(
        warnings.includes(
          'the store state/holdfast.db: group or others may use it (mode 0640); chmod 0600 state/holdfast.db',
        ),
        warnings.join('\n'),
      );
      await chmod(state, 0o700);
      await chmod(path.join(state, 'holdfast.db'), 0o600);
      t.notRegex((await found(t.context)).warnings.join('\n'), /state directory|the store/);
    } finally {
      await rm(state, { recursive: true });
    }
  },
);

test('a configuration of which everything is there is fine', async (t) => {
  t.deepEqual(await found(t.context), { problems: [], warnings: [] });
});

test('a module that is missing, text, a directory, cut, for 32 bits or another machine is a problem', async (t) => {
  const { directory, module } = t.context;
  const real = await readFile(module);
  const of = async (name: string, content: Buffer | string) => {
    const file = path.join(directory, name);
    await writeFile(file, content);
    return (await found(t.context, { token: `module = "${file}"` })).problems;
  };
  const head = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(real);
    change(bytes);
    return bytes;
  };
  t.deepEqual((await found(t.context, { token: 'module = "/nowhere/module.so"' })).problems, [
    'FILE: token "token": no PKCS#11 module found; looked at /nowhere/module.so: install the HSM’s client software, or say where its library is',
  ]);
  t.deepEqual(await of('text.so', 'INPUT ( libc.so )'), [
    'FILE: token "token": text.so cannot be loaded: it is no shared library (no ELF file)',
  ]);
  t.deepEqual(await of('empty.so', ''), [
    'FILE: token "token": empty.so cannot be loaded: it is no shared library (no ELF file)',
  ]);
  t.deepEqual((await found(t.context, { token: `module = "${directory}"` })).problems, [
    `FILE: token "token": ${directory} cannot be loaded: it is a directory (EISDIR)`,
  ]);
  // ELF's class and machine (System V ABI): 1 is 32 bits; 3 is ia32, 22 s390x.
  t.regex(
    (
      await of(
        'ia32.so',
        head((bytes) => {
          bytes[4] = 1;
          bytes.writeUInt16LE(3, 18);
        }),
      )
    )[0] ?? '',
    /ia32\.so cannot be loaded: it is a 32-bit library for ia32, and this node runs on 64-bit /,
  );
  t.regex(
    (
      await of(
        's390x.so',
        head((bytes) => bytes.writeUInt16LE(22, 18)),
      )
    )[0] ?? '',
    /it is a 64-bit library for s390x/,
  );
  t.regex(
    (
      await of(
        'core.so',
        head((bytes) => bytes.writeUInt16LE(4, 16)),
      )
    )[0] ?? '',
    /but no shared library$/,
  );
});

test('an expired certificate is a problem; one that is not valid yet, ends soon or is for another name a warning', async (t) => {
  const { ca } = t.context;
  const { problems } = await found(t.context, { tls: await ca.issue('localhost', { days: -1 }) });
  t.is(problems.length, 1);
  t.regex(problems[0] ?? '', /^ca-\d+\.pem: the certificate expired at .*: no client takes it any more$/);

  const early = await found(t.context, { tls: await ca.issue('localhost', { startsIn: 2 }) });
  t.regex(
    early.warnings[0] ?? '',
    /^ca-\d+\.pem: the certificate is not valid before .*: no client takes it/,
  );

  const soon = await found(t.context, { tls: await ca.issue('localhost', { days: 2 }) });
  t.deepEqual(soon.problems, []);
  t.regex(soon.warnings[0] ?? '', /^ca-\d+\.pem: the certificate expires at .*: renew it$/);

  const { warnings } = await found(t.context, { admin: 'public_url = "https://127.0.0.2:9443"' });
  t.deepEqual(warnings, ['server.pem: the certificate is not for 127.0.0.2, which admin.public_url names']);
  t.deepEqual((await found(t.context, { admin: 'public_url = "https://127.0.0.1:9443"' })).warnings, []);
});

test('a chain in the wrong order behind the right certificate is a warning', async (t) => {
  const { directory, ca, clientCa, tls } = t.context;
  const certificate = path.join(directory, 'chain.pem');
  const pem = await Promise.all([tls, clientCa, ca].map(async (one) => readFile(one.certificate, 'utf8')));
  await writeFile(certificate, pem.join(''));
  const { problems, warnings } = await found(t.context, { tls: { certificate, key: tls.key } });
  t.deepEqual(problems, []);
  t.regex(warnings[0] ?? '', /^chain\.pem: certificate number 2 did not issue the one before it: /);
});

test('names that do not resolve: a problem where the node listens, else a warning', async (t) => {
  const { problems, warnings } = await found(t.context, {
    xks: 'address = "xks.invalid"',
    admin: 'address = "admin.invalid"\npublic_url = "https://public.invalid"',
    rest: '[aws]\nproxy = "http://proxy.invalid:3128"\n[aws.endpoints]\nkms = "https://kms.invalid"',
  });
  const named = (lines: string[]) =>
    lines.map((line) => /^FILE: (\S+): the name does not resolve/.exec(line)?.[1] ?? '');
  t.deepEqual(
    named(problems).toSorted((a, b) => a.localeCompare(b)),
    ['admin.address', 'xks.address'],
  );
  const told = new Set(named(warnings));
  for (const key of ['admin.public_url', 'aws.endpoints.kms', 'aws.proxy']) t.true(told.has(key), key);
});

test('a PIN that is not there, or open to others, is a problem; one that only the service sees a warning', async (t) => {
  const { directory, module } = t.context;
  const token = (pin: string) => ({
    rest: `[[token]]\nname = "second"\nprofile = "softhsm2"\nlabel = "b"\nmodule = "${module}"\npin = ${pin}`,
  });
  t.deepEqual((await found(t.context, token('{ file = "none" }'))).problems, [
    'none: the PIN cannot be read (ENOENT)',
  ]);
  await writeFile(path.join(directory, 'open'), '1234', { mode: 0o644 });
  t.regex(
    (await found(t.context, token('{ file = "open" }'))).problems[0] ?? '',
    /^open: the PIN: group or others/,
  );
  const { problems, warnings } = await found(t.context, token('{ credential = "pin" }'));
  t.deepEqual(problems, []);
  t.regex(
    warnings[0] ?? '',
    /token "second": its PIN is a systemd credential, which only the service itself sees/,
  );
});
