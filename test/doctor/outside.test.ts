import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import type { CheckId } from '../../src/doctor/catalogue.ts';
import { checksOf, type Finding } from '../../src/doctor/finding.ts';
import type { DoctorOptions } from '../../src/doctor/options.ts';
import { Secret } from '../../src/secret.ts';
import { CliError } from '../../src/cli/output/cli-error.ts';
import { exitCodes } from '../../src/cli/output/exit-codes.ts';
import { createProgram } from '../../src/cli/program.ts';
import { runCommand } from '../cli/command-line.ts';
import { allFindings, found, findingsUntil, one } from './findings.ts';
import { Middlebox, type MiddleboxOptions } from './middlebox.ts';
import { useStage, writeConsoleFile } from './stage.ts';

const stage = useStage();

/** What the doctor finds behind a middlebox. */
async function behind(
  last: Parameters<typeof findingsUntil>[0],
  alter: MiddleboxOptions['alter'],
  more: Partial<MiddleboxOptions> = {},
  changes: Partial<DoctorOptions> = {},
): Promise<Finding[]> {
  const { node, tls, at } = stage();
  const box = await Middlebox.start({
    tls,
    node: node.port,
    ...(alter === undefined ? {} : { alter }),
    ...more,
  });
  try {
    return await findingsUntil(last, at(box.port, changes));
  } finally {
    box.close();
  }
}

test.serial('of a node that is well everything is fine but what a test cannot have', async (t) => {
  const { key, access, options } = stage();
  const findings = await allFindings(options({ keys: [key], load: { rate: 20, seconds: 1 } }));
  const not = findings.filter(({ level }) => level !== 'OK').map(({ id, level }) => `${level} ${id}`);
  t.deepEqual(not.filter((line) => !line.includes(' time.')).toSorted(), [
    'SKIPPED name.ipv4',
    'SKIPPED name.public',
    'SKIPPED name.resolves',
    'SKIPPED tls.mutual',
    'WARNING certificate.issuer',
    'WARNING name.qualified',
  ]);
  // Every check is there once, in the order of the catalogue's groups.
  const outside = checksOf(
    'name',
    'connection',
    'certificate',
    'tls',
    'path',
    'middlebox',
    'credential',
    'health',
    'key',
    'time',
  );
  t.deepEqual(
    findings.map(({ id }) => id).toSorted(),
    outside.filter((id) => !id.startsWith('name.vpc')).toSorted(),
  );
  const { data } = one(t, findings, 'time.load');
  t.is(data['count'], 20);
  t.is(data['failed'], 0);
  t.is(one(t, findings, 'time.requests').data['failed'], 0);
  t.is(one(t, findings, 'health.tokens').subject, 'token');
  t.false(JSON.stringify(findings).includes(access.secretAccessKey));
});

test.serial('a middlebox that only ends TLS is told of, and does no harm', async (t) => {
  const findings = await behind('credential.accepted', undefined);
  found(t, findings, 'middlebox.path', 'OK');
  found(t, findings, 'middlebox.headers', 'OK');
  found(t, findings, 'middlebox.tls', 'WARNING', /TLS is ended in between/);
  found(t, findings, 'credential.accepted', 'OK');
  found(t, findings, 'tls.http', 'OK', /not HTTP\/2/);
});

test.serial('headers that a middlebox adds are named and warned of: the signature holds', async (t) => {
  const findings = await behind('credential.accepted', ({ headers }) => {
    headers['x-forwarded-for'] = '198.51.100.7';
    headers['via'] = '1.1 firewall';
  });
  const finding = found(
    t,
    findings,
    'middlebox.headers',
    'WARNING',
    /x-forwarded-for added \(198\.51\.100\.7\)/,
  );
  t.deepEqual(finding.data['added'], ['x-forwarded-for', 'via']);
  t.true(finding.data['signatureVerified']);
  found(t, findings, 'credential.accepted', 'OK');
});

test.serial(
  'a rewritten Host is named as what breaks the signature, and the credential as right',
  async (t) => {
    const findings = await behind('credential.accepted', ({ headers }) => {
      headers['host'] = 'holdfast.internal';
    });
    const finding = found(
      t,
      findings,
      'middlebox.headers',
      'PROBLEM',
      /host changed \(holdfast\.internal\).*signature-mismatch/,
    );
    t.is(finding.connectionErrorCode, 'INVALID_CREDENTIALS');
    t.deepEqual(finding.data['changed'], ['host']);
    found(t, findings, 'credential.accepted', 'PROBLEM', /though the secret of .* is right/);
  },
);

test.serial('a dropped X-Amz-Date, and a dropped Authorization, are named', async (t) => {
  for (const name of ['x-amz-date', 'authorization']) {
    const findings = await behind('credential.accepted', ({ headers }) => {
      delete headers[name];
    });
    found(t, findings, 'middlebox.headers', 'PROBLEM', new RegExp(`${name} dropped`));
    found(t, findings, 'credential.accepted', 'PROBLEM');
  }
});

test.serial('a path that is folded or cut is named, as sent and as it arrived', async (t) => {
  const cut = await behind('credential.accepted', (passing) => {
    passing.path = passing.path.replace(/^\/First/, '');
  });
  found(
    t,
    cut,
    'middlebox.path',
    'PROBLEM',
    /sent \/First\/holdfast\/v1\/echo\/\S+, arrived \/holdfast\/v1\/echo\//,
  );
  found(t, cut, 'path.prefix', 'PROBLEM', /no key store at this path/);
  t.is(one(t, cut, 'credential.accepted').connectionErrorCode, 'XKS_PROXY_INVALID_CONFIGURATION');
  const folded = await behind('middlebox.headers', (passing) => {
    passing.path = passing.path.toLowerCase();
  });
  found(t, folded, 'middlebox.path', 'PROBLEM', /arrived \/first\/holdfast\/v1\/echo\/az/);
});

test.serial('whatever a middlebox makes of the path, the doctor says what was done to it', async (t) => {
  for (const [alter, what] of [
    [(path: string) => path.toUpperCase(), 'lower-case letters were changed to upper case'],
    [(path: string) => path.toLowerCase(), 'upper-case letters were changed to lower case'],
    [(path: string) => `/api${path}`, '“/api” was added in front of it'],
    [(path: string) => path.replace(/^\/First/, ''), '“/First” was removed from its beginning'],
    [(path: string) => path.replace('/F', '/%46'), 'characters were percent-encoded'],
    [() => '/index.php', 'it is another path altogether'],
  ] as [(path: string) => string, string][]) {
    const findings = await behind('credential.accepted', (passing) => {
      passing.path = alter(passing.path);
    });
    const finding = found(t, findings, 'middlebox.path', 'PROBLEM', new RegExp(`: ${what}$`));
    t.is(finding.connectionErrorCode, 'XKS_PROXY_INVALID_CONFIGURATION');
    t.is(finding.data['change'], what);
    const accepted = found(t, findings, 'credential.accepted', 'PROBLEM');
    t.regex(accepted.remediation ?? '', /what stands in between/);
  }
});

test.serial('a gateway that answers in place of the node is named, with causes and ways out', async (t) => {
  const findings = await behind('credential.accepted', undefined, {
    answer: (_request, response) => {
      response
        .writeHead(503, { 'content-type': 'text/html', server: 'awselb/2.0' })
        .end('<html><body><center><h1>503 Service Temporarily Unavailable</h1></center></body></html>');
      return true;
    },
  });
  for (const id of ['path.balancer', 'path.prefix', 'path.unknown', 'credential.accepted'] as const) {
    const finding = found(t, findings, id, 'PROBLEM', /AWS Application Load Balancer.*Server: awselb\/2\.0/);
    t.is(finding.data['gateway'], 'AWS Application Load Balancer');
    t.regex(finding.remediation ?? '', /no healthy node.*health check.*--connect/s);
  }
  t.is(one(t, findings, 'credential.accepted').connectionErrorCode, 'XKS_PROXY_INVALID_RESPONSE');
});

test.serial('a node that is drained is no fault of whatever stands in front of it', async (t) => {
  const findings = await behind('path.method', undefined, {
    answer: ({ url }, response) => {
      if (url !== '/') return false;
      response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8' }).end('not ready\n');
      return true;
    },
  });
  const { remediation } = found(t, findings, 'path.balancer', 'WARNING', /drained, or about to end/);
  t.regex(remediation ?? '', /holdfast node undrain/);
});

test.serial('something that answers HTML in place of the node is no XKS proxy', async (t) => {
  const findings = await behind('credential.accepted', undefined, {
    answer: (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Portal</h1>');
      return true;
    },
  });
  const unknown = found(t, findings, 'path.unknown', 'PROBLEM', /200 with text\/html/);
  t.is(unknown.connectionErrorCode, 'XKS_PROXY_INVALID_RESPONSE');
  found(t, findings, 'path.hsts', 'WARNING', /3 of 3/);
  const accepted = found(t, findings, 'credential.accepted', 'PROBLEM', /Content-Type/);
  t.is(accepted.connectionErrorCode, 'XKS_PROXY_INVALID_RESPONSE');
});

test.serial('health that AWS would not take is a problem, token by token', async (t) => {
  const health = async (revise: (body: Record<string, unknown>) => void) =>
    behind('health.tokens', undefined, {
      revise: ({ status, body }) => {
        if (status === 200) revise(body);
      },
    });
  const of = (healthStatus: string) => ({ id: healthStatus.toLowerCase(), model: 'An HSM', healthStatus });
  const down = await health((body) => (body['ekmFleetDetails'] = [of('UNAVAILABLE')]));
  t.is(found(t, down, 'health.tokens', 'PROBLEM').connectionErrorCode, 'XKS_PROXY_NOT_REACHABLE');
  const slow = await health((body) => (body['ekmFleetDetails'] = [of('DEGRADED')]));
  found(t, slow, 'health.tokens', 'WARNING', /DEGRADED, An HSM/);
  const none = await health((body) => (body['ekmFleetDetails'] = []));
  const answer = found(t, none, 'health.answer', 'PROBLEM', /does not have one to ten entries/);
  t.is(answer.connectionErrorCode, 'XKS_PROXY_INVALID_RESPONSE');
  found(t, none, 'health.tokens', 'SKIPPED');
});

test.serial('a proxy that checks no signatures, integrity or tags is found out', async (t) => {
  const { key } = stage();
  const flipped = (text: unknown) => {
    const bytes = Buffer.from(String(text), 'base64');
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    return bytes.toString('base64');
  };
  const findings = await behind(
    'key.tampered',
    undefined,
    {
      revise: (answer, path) => {
        if (answer.status === 401) Object.assign(answer, { status: 200, body: {} });
        if (path.endsWith('/encrypt'))
          answer.body['ciphertextDataIntegrityValue'] = flipped(answer.body['ciphertextDataIntegrityValue']);
        if (!path.endsWith('/decrypt')) return;
        if (answer.status === 200) answer.body['plaintext'] = flipped(answer.body['plaintext']);
        else Object.assign(answer, { status: 200, body: { plaintext: 'AAAA' } });
      },
    },
    { keys: [key] },
  );
  found(t, findings, 'credential.signature', 'PROBLEM', /^answered 200/);
  found(t, findings, 'credential.window', 'WARNING', /-5\.5 min: 200/);
  found(t, findings, 'key.integrity', 'PROBLEM', /not the same/);
  found(t, findings, 'key.decrypt', 'PROBLEM', /not the bytes that were encrypted/);
  found(t, findings, 'key.tampered', 'PROBLEM', /ciphertext: 200.*metadata: 200/);
});

test.serial('a proxy at 260 ms is too slow for AWS, whatever else is fine', async (t) => {
  const findings = await behind('time.connection', undefined, { hold: 260 });
  const finding = found(t, findings, 'time.requests', 'PROBLEM', /p99 \d+ ms/);
  t.is(finding.connectionErrorCode, 'XKS_PROXY_TIMED_OUT');
  t.true(Number(finding.data['p50']) >= 260);
  found(t, findings, 'credential.accepted', 'OK');
});

test.serial('a connection that is cut halfway is a finding, and the rest is skipped', async (t) => {
  const findings = await behind('time.load', undefined, {
    answer: (request) => {
      const cut = request.method === 'POST' && request.url?.endsWith('/kms/xks/v1/health') === true;
      if (cut) request.socket.destroy();
      return cut;
    },
  });
  for (const id of ['path.prefix', 'credential.accepted'] as const)
    t.is(found(t, findings, id, 'PROBLEM', /connection ended/).connectionErrorCode, 'NETWORK_ERRORS');
  found(t, findings, 'credential.signature', 'SKIPPED', /an exchange before it failed/);
  found(t, findings, 'health.tokens', 'SKIPPED');
});

test.serial('a wrong secret is refused, and says INVALID_CREDENTIALS as AWS would', async (t) => {
  const { options, access } = stage();
  const wrong = { ...access, secret: new Secret(randomBytes(32).toString('base64')) };
  const findings = await findingsUntil('health.tokens', options({ credential: wrong }));
  found(t, findings, 'middlebox.headers', 'SKIPPED', /404 InvalidUriPathException/);
  const finding = found(t, findings, 'credential.accepted', 'PROBLEM', /401 AuthenticationFailedException/);
  t.is(finding.connectionErrorCode, 'INVALID_CREDENTIALS');
  found(t, findings, 'health.tokens', 'SKIPPED', /credential is not accepted/);
});

test.serial('a wrong prefix is a wrong configuration, not a wrong credential', async (t) => {
  const { options, access } = stage();
  const credential = {
    ...access,
    uriPath: '/first/kms/xks/v1',
    secret: new Secret(access.secretAccessKey),
  };
  const findings = await findingsUntil('credential.accepted', options({ credential }));
  found(t, findings, 'path.prefix', 'PROBLEM', /\/first: there is no key store/);
  t.is(one(t, findings, 'credential.accepted').connectionErrorCode, 'XKS_PROXY_INVALID_CONFIGURATION');
});

test.serial(
  'with a clock ten minutes off the clock is the problem, and the credential is fine',
  async (t) => {
    const { options, node, key } = stage();
    const clock = Date.now;
    Date.now = () => clock() + 600_000;
    try {
      const findings = await findingsUntil('key.encrypt', options({ keys: [key] }));
      // By half of the time there and back, of which a busy machine may spend all on one way.
      const seen = /the node is (?:59[5-9]|60[0-5])(?:\.\d)? s behind this machine/;
      found(t, findings, 'credential.clock', 'PROBLEM', seen);
      found(t, findings, 'credential.accepted', 'OK', /signed by the node’s clock/);
      found(t, findings, 'middlebox.headers', 'OK');
      found(t, findings, 'key.encrypt', 'OK');
    } finally {
      Date.now = clock;
    }
    t.true(node.port > 0);
  },
);

test.serial(
  'a key that is disabled, one for encryption alone, and one that is not there are told apart',
  async (t) => {
    const { options, node } = stage();
    const encryptOnly = await node.makeKey('first', 'encrypt-only', 'encrypt-only');
    const disabled = await node.makeKey('first', 'disabled');
    await node.withVault(async (vault) => vault.disableKey(disabled));
    const findings = await findingsUntil(
      'key.unknown',
      options({ keys: [encryptOnly, disabled, 'nowhere'] }),
    );
    const of = (subject: string, id: CheckId) => {
      const { level, seen, remediation } = one(t, findings, id, subject);
      return `${level} ${seen} | ${remediation}`;
    };
    t.regex(
      of(encryptOnly, 'key.metadata'),
      /^PROBLEM AES_256, ENCRYPT, ENABLED \| .*encryption and decryption/,
    );
    t.regex(of(encryptOnly, 'key.encrypt'), /^PROBLEM 400 InvalidKeyUsageException .* KMS wants both/);
    t.regex(of(disabled, 'key.metadata'), /^PROBLEM .*DISABLED \| .*cloud-key enable/);
    t.regex(of(disabled, 'key.encrypt'), /^PROBLEM 400 InvalidStateException/);
    t.regex(of('nowhere', 'key.metadata'), /^PROBLEM 404 KeyNotFoundException/);
    t.regex(of('nowhere', 'key.integrity'), /^SKIPPED/);
  },
);

interface Printed {
  schema: string;
  summary: Record<string, number>;
  endpoint: string;
  findings: Finding[];
}

test.serial('the command prints its JSON, exits with 1 at a problem, and never shows a secret', async (t) => {
  const { node, consoleFile, key, access } = stage();
  const words = (file: string, host = 'xks.example.test') => [
    ...['doctor', '--endpoint', `https://${host}`, '--connect', `127.0.0.1:${node.port}`],
    ...['--console-file', file, '--key', key, '--ca', node.ca.certificate],
  ];
  const good = await runCommand(['--json', ...words(consoleFile)]);
  const report = JSON.parse(good.stdout) as Printed;
  t.is(report.schema, 'holdfast-doctor/1');
  t.is(report.endpoint, 'https://xks.example.test:443');
  // Only a busy machine would have a problem, of time.
  const problems = report.findings.filter(({ level }) => level === 'PROBLEM');
  t.true(
    problems.every(({ group }) => group === 'time'),
    JSON.stringify(problems),
  );
  t.is(good.code, problems.length === 0 ? 0 : 1);
  t.deepEqual(Object.keys(report), [
    'schema',
    'version',
    'startedAt',
    'seconds',
    'endpoint',
    'summary',
    'findings',
  ]);
  for (const finding of report.findings)
    t.deepEqual(Object.keys(finding), [
      ...[
        'id',
        'group',
        'level',
        'title',
        'subject',
        'seen',
        'why',
        'remediation',
        'connectionErrorCode',
        'data',
      ],
    ]);

  const human = await runCommand(words(consoleFile, 'other.example.test'));
  t.is(human.code, 1);
  // The verdict first, then what is to be done, then all that was looked at.
  t.regex(human.stdout, /^(?:1 problem|\d problems), \d warnings?: AWS KMS cannot use /);
  const order = ['problem', '\nProblems\n', '\nWarnings\n', '\nAll checks\n', '\n  OK '];
  const places = order.map((text) => human.stdout.indexOf(text));
  t.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
  t.false(places.includes(-1));
  t.regex(human.stdout, /\nProblems\n {2}name in the certificate {2}\[certificate\.name\]\n/);
  t.regex(
    human.stdout,
    / {4}in AWS {3}XKS_PROXY_INVALID_TLS_CONFIGURATION\n {4}hint {5}a certificate with other/,
  );
  t.regex(human.stdout, /\d+ fine, \d+ not looked at, \d+ warnings, (?:1 problem|\d problems)\n$/);
  t.true(human.stdout.split('\n').every((line) => line.length <= 100));
  // No terminal: no colour.
  t.false(human.stdout.includes('\u001b'));
  for (const { stdout, stderr } of [good, human])
    t.false(`${stdout}${stderr}`.includes(access.secretAccessKey));
});

test.serial('what is asked wrongly ends with the exit codes of the command line', async (t) => {
  const { node, consoleFile, access, key } = stage();
  const open = path.join(node.directory, 'open.json');
  await writeConsoleFile(open, access, 0o644);
  const broken = path.join(node.directory, 'broken.json');
  await writeFile(broken, `{"RawSecretAccessKey": ${access.secretAccessKey}`, { mode: 0o600 });
  const endpoint = ['--endpoint', 'https://xks.example.test'];
  for (const [code, says, ...words] of [
    [78, /group or others may use it/, ...endpoint, '--console-file', open],
    [64, /not JSON/, ...endpoint, '--console-file', broken],
    [64, /not of the form/, '--endpoint', 'http://xks.example.test'],
    [64, /not of the form/, '--endpoint', 'https://xks.example.test/first'],
    [64, /where is the XKS proxy/, '--console-file', consoleFile],
    [64, /needs its key/, ...endpoint, '--client-certificate', consoleFile],
    [64, /load needs a key/, ...endpoint, '--load', '10', '--for', '1'],
    [64, /from 1 to 1800/, ...endpoint, '--load', '1801', '--for', '1'],
    [
      64,
      /no terminal to ask on/,
      ...endpoint,
      '--console-file',
      consoleFile,
      '--key',
      key,
      '--load',
      '5',
      '--for',
      '1',
    ],
    [64, /external key id/, ...endpoint, '--key', 'a/b'],
  ] as [number, RegExp, ...string[]][]) {
    const quiet = createProgram().configureOutput({ writeErr: () => undefined });
    for (const command of quiet.commands) command.configureOutput({ writeErr: () => undefined });
    const error = await t.throwsAsync(quiet.parseAsync(['doctor', ...words], { from: 'user' }));
    const given = error instanceof CliError ? error.exitCode : exitCodes.usage;
    t.is(given, code, words.join(' '));
    t.regex(error.message, says);
    t.false(error.message.includes(access.secretAccessKey));
  }
});
