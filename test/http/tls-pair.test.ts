import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import anyTest, { type TestFn } from 'ava';
import { loadTls } from '../../src/http/tls.ts';
import { TlsError } from '../../src/http/tls-error.ts';
import { testCas, type TestCa } from '../../testing/certificates.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

const run = promisify(execFile);

interface Context {
  directory: string;
  ca: TestCa;
  certificate: string;
  key: string;
  ecCertificate: string;
  ecKey: string;
  caPem: string;
}

const test = anyTest as TestFn<Context>;

test.before(async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-tls-'));
  const { ca, tls } = await testCas(directory);
  const rsa = await ca.issue('localhost', { rsa: true });
  t.context = {
    directory,
    ca,
    certificate: await readFile(rsa.certificate, 'utf8'),
    key: await readFile(rsa.key, 'utf8'),
    ecCertificate: await readFile(tls.certificate, 'utf8'),
    ecKey: await readFile(tls.key, 'utf8'),
    caPem: await readFile(ca.certificate, 'utf8'),
  };
});

test.after.always(async (t) => rm(t.context.directory, { recursive: true, force: true }));

let count = 0;

/** What is said of a pair with these contents; the two files are `CERTIFICATE` and `KEY` in it. */
async function saidOf(
  { directory }: Context,
  certificate: string | Buffer,
  key: string | Buffer,
  mode = 0o600,
): Promise<string> {
  const base = path.join(directory, `pair-${++count}`);
  const files = { certificate: `${base}.pem`, key: `${base}-key.pem` };
  await writeFile(files.certificate, certificate);
  await writeFile(files.key, key, { mode });
  try {
    loadTls({ ...files, client_subjects: [] });
    return 'taken';
  } catch (error) {
    if (!(error instanceof TlsError)) throw error;
    return error.message.replaceAll(files.certificate, 'CERTIFICATE').replaceAll(files.key, 'KEY');
  }
}

test('a pair with its chain is taken, with text around the parts, a byte order mark and line ends of Windows', async (t) => {
  const { certificate, key, caPem, ecCertificate, ecKey } = t.context;
  t.is(await saidOf(t.context, certificate, key), 'taken');
  t.is(await saidOf(t.context, `Bag Attributes\n    friendlyName: a\n${certificate}${caPem}`, key), 'taken');
  t.is(await saidOf(t.context, `\u{feff}${certificate}`.replaceAll('\n', '\r\n'), key), 'taken');
  t.is(
    await saidOf(
      t.context,
      ecCertificate,
      `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${ecKey}`,
    ),
    'taken',
  );
  // Both in one file, as HAProxy has it.
  t.is(await saidOf(t.context, `${certificate}${key}`, `${certificate}${key}`), 'taken');
});

test('the key of another certificate is told as such, of the same kind and of another', async (t) => {
  const { certificate, ecCertificate, ecKey, ca } = t.context;
  const told = 'CERTIFICATE and KEY cannot be used together (the key is of another certificate)';
  t.is(await saidOf(t.context, certificate, ecKey), told);
  const other = await ca.issue('localhost');
  t.is(await saidOf(t.context, ecCertificate, await readFile(other.key)), told);
});

test('a chain that begins with the CA is told with the right order, and the certificate file is blamed alone', async (t) => {
  const { certificate, key, caPem } = t.context;
  const said = await saidOf(t.context, caPem + certificate, key);
  t.regex(said, /^CERTIFICATE: the server’s own certificate is number 2 of 2 and has to come first; hint: /);
  t.notRegex(said, /KEY/);
});

test('certificates put together without a line end between them are told by their line', async (t) => {
  const { certificate, key, caPem } = t.context;
  const line = certificate.trimEnd().split('\n').length;
  t.regex(
    await saidOf(t.context, certificate.trimEnd() + caPem, key),
    new RegExp(
      `^CERTIFICATE: line ${line} of the TLS certificate has the end of one part and the beginning of the next; hint: `,
    ),
  );
  t.regex(
    await saidOf(t.context, certificate, `key: ${key}`),
    /^KEY: line 1 of the TLS key has the end of one part/,
  );
});

test('a key with a pass phrase, of either form, is told with the command that takes it off', async (t) => {
  const { certificate, directory, key } = t.context;
  const plain = path.join(directory, 'plain.pem');
  await writeFile(plain, key, { mode: 0o600 });
  for (const form of [['pkey'], ['rsa', '-traditional']]) {
    const { stdout } = await run('openssl', [...form, '-in', plain, '-aes256', '-passout', 'pass:planted']);
    t.regex(
      await saidOf(t.context, certificate, stdout),
      /^KEY: the TLS key is protected by a pass phrase, .*hint: openssl pkey -in KEY -out FILE, with mode 0600$/,
    );
  }
});

test('exchanged files, a cut one, one in DER or UTF-16 and one of nothing are told apart', async (t) => {
  const { certificate, key, directory } = t.context;
  t.regex(
    await saidOf(t.context, key, certificate),
    /^CERTIFICATE has the private key and KEY the certificate; hint: exchange the two in the configuration/,
  );
  // As they lie there: the certificate may be read by everyone, which is no matter of its mode.
  t.regex(await saidOf(t.context, key, certificate, 0o644), /^CERTIFICATE has the private key and KEY the/);
  t.regex(
    await saidOf(t.context, certificate, certificate),
    /^KEY: the TLS key has no private key, but a certificate/,
  );
  t.is(
    await saidOf(t.context, certificate.slice(0, -40), key),
    'CERTIFICATE: the TLS certificate has 1 -----BEGIN lines and 0 whole parts: something of it is missing',
  );
  t.regex(
    await saidOf(t.context, certificate, key.replace(/\n[^\n]+\n-----END/, '\n-----END')),
    /^KEY: the TLS key cannot be read \(ERR_/,
  );
  const file = path.join(directory, 'certificate.pem');
  await writeFile(file, certificate);
  await run('openssl', ['x509', '-in', file, '-outform', 'der', '-out', `${file}.der`]);
  t.regex(
    await saidOf(t.context, await readFile(`${file}.der`), key),
    /^CERTIFICATE: the TLS certificate is in DER form .*hint: openssl x509 -inform der/,
  );
  t.regex(
    await saidOf(t.context, Buffer.from(`\u{feff}${certificate}`, 'utf16le'), key),
    /^CERTIFICATE: the TLS certificate is in UTF-16; hint: /,
  );
  t.is(await saidOf(t.context, '', key), 'CERTIFICATE: the TLS certificate has no certificate');
  t.is(await saidOf(t.context, certificate, ''), 'KEY: the TLS key has no private key');
});

test('a client CA without a certificate is told, and neither of the pair is blamed', (t) => {
  const { directory } = t.context;
  const pair = {
    certificate: path.join(directory, 'server.pem'),
    key: path.join(directory, 'server-key.pem'),
  };
  const error = t.throws(() => loadTls({ ...pair, client_ca: pair.key, client_subjects: ['a'] }), {
    instanceOf: TlsError,
  });
  t.is(
    error.message,
    `${pair.key}: the TLS client CA has no certificate, but a private key; hint: are the two files exchanged?`,
  );
  const missing = path.join(directory, 'none.pem');
  t.is(
    t.throws(() => loadTls({ ...pair, client_ca: missing, client_subjects: ['a'] })).message,
    `${missing}: the TLS client CA cannot be read: there is no such file or directory (ENOENT)`,
  );
});
