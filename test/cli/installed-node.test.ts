import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import Database from 'better-sqlite3';
import type { Block } from '../../scripts/docs/blocks.ts';
import { blocksOfPage } from '../../scripts/docs/blocks.ts';
import { Machine, onTerminal, whyNoMachine } from '../docs/machine.ts';
import { checkout, PageTyping, scriptOf } from '../docs/typing.ts';
import { TestCa } from '../../testing/certificates.ts';
import { makeStoreOfStep1 } from '../support/older-store.ts';

/*
 * The pages of whoever installs, runs and upgrades a node, typed as they stand, on a machine of its own: as one story, since
 * each builds on the one before.
 */

const whyNot = whyNoMachine();
if (whyNot !== undefined) console.error(`installed-node.test.ts: skipped: ${whyNot}`);
const onMachine = whyNot === undefined ? test : test.skip;

const installation = new PageTyping(import.meta.url, 'docs/installation.md');
const operations = new PageTyping(import.meta.url, 'docs/operations.md');
const guide = new PageTyping(import.meta.url, 'docs/guide.md');
const troubleshooting = new PageTyping(import.meta.url, 'docs/troubleshooting.md');
const configuration = new PageTyping(import.meta.url, 'docs/configuration.md');

const first = '"$(sed -n \'s/.*first password: //p\' init.out | tail -n 1)"';
const own = "'four slow barges passing by'";
const renewed = "'eleven grey herons fishing'";
const pin = '49217';

/** What the test adds to the pages: waiting, as people do, for what a line of the log tells. */
const waiting = `
logged() { # how often, what
  local _
  for _ in {1..1000}; do
    [ "$(grep -c -- "$2" /run/stand-in/holdfast.service.log)" -lt "$1" ] || return 0
    kill -0 "$(< /run/stand-in/holdfast.service.pid)"
    sleep 0.3
  done
  return 1
}
export HOLDFAST_CA=/etc/holdfast/tls/ca.pem
`;

function typed(
  blocks: readonly Block[],
  wrap?: (block: Block) => string,
  put: readonly (readonly [string, string])[] = [],
) {
  return scriptOf(blocks, {
    ...(wrap === undefined ? {} : { wrap }),
    put: [['REPOSITORY', '"$kept/repository"'], ...put],
  });
}

/** The page's own, with the token that is for trying out: of the smallest kind, with patience for a busy machine. */
function settings(): string {
  const toml = blocksOfPage(checkout, 'docs/installation.md').find(({ info }) => info === 'toml');
  return `[xks]
workers = 1
drain_ms = 0
${(toml?.text ?? '').replace('profile = "nshield"', 'profile = "softhsm2"')}
hosts = 1
start_timeout_ms = 60000
sick_after_ms = 20000
kill_after_ms = 40000
`;
}

/** A commit of what is here, committed or not, that the pages' machine can clone. */
const repository = `
own_git() { /usr/bin/git -c safe.directory='*' -c user.name=us -c user.email=us@example.com "$@"; }
own_git clone --quiet --shared "$checkout" "$kept/repository"
(
  cd "$checkout"
  own_git ls-files -z -mo --exclude-standard | while IFS= read -r -d '' file; do
    if [ -e "$file" ]; then cp --parents "$file" "$kept/repository"; else rm -f "$kept/repository/$file"; fi
  done
)
own_git -C "$kept/repository" add --all
own_git -C "$kept/repository" commit --quiet --allow-empty --message 'as it is here'
`;

const install = () => {
  const blocks = installation.blocks.filter(
    ({ headings }) => !headings.includes('Upgrading') && !headings.includes('The command on another machine'),
  );
  const until = blocks.findIndex(({ headings }) => headings.includes('Commands on the node'));
  const wrap = (block: Block) => {
    const { info, text } = block;
    if (text.includes('read -r pin')) return onTerminal(block, { 'PIN: ': pin });
    if (info === 'sh nshield') return `groupadd nfast\n${text}`;
    if (info === 'sh softhsm')
      return onTerminal(block, { 'enter SO PIN: ': '80531', 'enter user PIN: ': pin });
    if (text.includes('init'))
      return `{ ${text}\n} | tee init.out\nlogged 1 '^holdfast ready on port 443, management on port 9443'`;
    if (info === 'sh terminal')
      return onTerminal(block, { 'Password: ': first, 'New password(?: again)?: ': own });
    return text;
  };
  return [
    typed(blocks.slice(0, until), wrap),
    'install -m 0644 ca.pem /etc/holdfast/tls/\ninstall -m 0644 holdfast.toml /etc/holdfast/',
    // As release 0.1 left it: what the page says of that one is typed too.
    'install -m 0600 -o holdfast -g holdfast store-0.1.db /var/lib/holdfast/holdfast.db',
    typed(blocks.slice(until), wrap),
  ].join('\n');
};

/** Another machine: nothing is installed in its /opt and /usr/local. */
const client = () => `
unshare --mount bash -euo pipefail -s << 'CLIENT'
mount -t tmpfs tmpfs /opt
mount -t tmpfs tmpfs /usr/local
mkdir /usr/local/bin
${typed(installation.beneath('The command on another machine'))}
CLIENT
`;

const people = () => `
/opt/holdfast/bin/../.tools/node/node_modules/node-linux-*/bin/node "$checkout/test/docs/machine/mail-server.ts" fullchain.pem key.pem letters mail &
(umask 077; echo letters > smtp.password)
until (: < /dev/tcp/127.0.0.1/587) 2> refused; do sleep 0.1; done
${typed(
  guide.blocks.filter(({ info }) => info === 'sh terminal'),
  (block) =>
    block.text.startsWith('export')
      ? block.text
      : onTerminal(block, { 'Password: ': own, 'Code of the app: ': 'totp' }),
  [['--password-file smtp.password', '--password-file smtp.password --mail-ca ca.pem']],
)}
grep -c . recovery-codes
cat mail
`;

/** A new first password, and nothing else: twice, since two pages say so. */
const breakGlass = () => `
{
${typed([...guide.blocks.filter(({ info }) => info === 'sh node'), ...troubleshooting.blocks])}
} | tee init.out
`;

const check = () => `
install -m 0400 -o holdfast -g holdfast /etc/holdfast/primary.pin /etc/holdfast/other.pin
sed 's|credential = "primary-pin"|file = "other.pin"|' holdfast.toml > /etc/holdfast/other.toml
${typed(configuration.blocks, undefined, [['FILE', '/etc/holdfast/other.toml']])}
`;

/** Grace has an API key and a session, which the page takes from her. */
const somebodyElse = (text: string): string => {
  const login = onTerminal(
    { text: 'holdfast login --endpoint https://keys.example.com:9443 --username grace' },
    { 'Password: ': '"$(cat grace.first)"', 'New password(?: again)?: ': own },
  );
  const inPlace = text.replace(/[\da-f-]{36}/, '"$session"');
  return `
# Else it goes there by mail.
holdfast mail delete
holdfast user create grace --role appliance-auditor --email grace@example.com --first-password-file grace.first
(export XDG_CONFIG_HOME="$PWD/grace"
${login}
holdfast api-key create terraform --scope appliance.read --expires 90d --key-file terraform.key)
session=$(holdfast session list -o json --user grace | grep -o '[[:xdigit:]-]\\{36\\}' | head -n 1)
${inPlace}
[ "$(holdfast session list -o json --user grace | tr -d '[:space:]')" = '[]' ]`;
};

const operate = () => {
  const wrap = ({ info, text }: Block) => {
    if (text.startsWith('#!/bin/sh'))
      return `cat > hook << 'HOOK'\n${text}\nHOOK
chmod +x hook
RENEWED_LINEAGE=$PWD/renewed ./hook
served() { openssl s_client -connect 127.0.0.1:443 < /dev/null 2> handshake | openssl x509 -noout -serial; }
serial=$(openssl x509 -noout -serial -in renewed/fullchain.pem)
for _ in {1..600}; do
  [ "$(served)" != "$serial" ] || break
  sleep 0.3
done
[ "$(served)" = "$serial" ]`;
    if (info === 'text')
      return `cat > /etc/logrotate.d/holdfast << 'LOGROTATE'\n${text}\nLOGROTATE
mkdir /var/log/holdfast
exec {log}>> /var/log/holdfast/holdfast.log
echo before >&$log
logrotate --force --state "$PWD/logrotate.state" /etc/logrotate.d/holdfast
echo after >&$log
[ "$(cat /var/log/holdfast/holdfast.log)" = after ]
[ "$(gunzip -c /var/log/holdfast/holdfast.log.1.gz)" = before ]`;
    return text.startsWith('holdfast api-key list --all')
      ? somebodyElse(text)
      : `${text}\nlogged 2 '^holdfast ready'`;
  };
  return typed(operations.blocks, wrap);
};

const upgrade = () => `
own_git -C "$kept/repository" commit --quiet --allow-empty --message 'the next release'
${typed(installation.beneath('Upgrading').filter(({ headings }) => !headings.includes('By release')))}
logged 3 '^holdfast ready'
holdfast --version
ls /var/backups/holdfast
`;

const from01 = () =>
  typed(installation.beneath('From 0.1'), (block) =>
    onTerminal(block, { 'Password: ': first, 'New password(?: again)?: ': renewed }),
  );

/** With a key set of the token. */
async function storeOf01(file: string): Promise<void> {
  await makeStoreOfStep1(file);
  const db = new Database(file);
  db.prepare(
    `INSERT INTO key_sets VALUES (?, 'payments', '', 'primary', 'payments-7f3c9a', '2025-12-01T00:00:00.000Z')`,
  ).run('5f0d7a3e-3a53-4a7e-9f0f-2f8c7a1f4e10');
  db.close();
}

onMachine(
  'a node is installed, run and upgraded as the pages say, typed from first line to last',
  async (t) => {
    t.timeout(600_000);
    const machine = await Machine.create();
    t.teardown(async () => machine.dispose());
    const { directory } = machine;
    const ca = await TestCa.create(directory);
    const names = { dnsNames: ['xks.example.com', 'keys.example.com', 'smtp.example.com'] };
    const [tls, renewedTls] = [
      await ca.issue('xks.example.com', names),
      await ca.issue('xks.example.com', names),
    ];
    await mkdir(path.join(directory, 'renewed'));
    for (const [from, to] of [
      [tls.certificate, 'fullchain.pem'],
      [tls.key, 'key.pem'],
      [renewedTls.certificate, 'renewed/fullchain.pem'],
      [renewedTls.key, 'renewed/privkey.pem'],
    ] as const)
      await cp(from, path.join(directory, to));
    await writeFile(path.join(directory, 'holdfast.toml'), settings());
    await storeOf01(path.join(directory, 'store-0.1.db'));
    const { code, output, errors } = await machine.type(
      [
        waiting,
        repository,
        install(),
        client(),
        people(),
        check(),
        breakGlass(),
        from01(),
        operate(),
        upgrade(),
      ].join('\n'),
    );
    t.is(code, 0, `${output.slice(-3000)}\n${errors.slice(-3000)}`);
    for (const page of [installation, operations, guide, troubleshooting, configuration])
      t.deepEqual(page.untyped(errors), []);

    t.regex(output, /^\/etc\/holdfast\/holdfast\.toml: fine$/m);
    t.regex(output, /^pong$/m);
    t.regex(output, /^\/etc\/holdfast\/other\.toml: fine$/m);
    t.regex(output, /^Subject: Test mail from Holdfast$/m);
    t.regex(output, /^the administrator ada of the vault default has a new first password\./m);
    t.regex(output, /^vault emea is changed: name emea; administrator name Ada Lovelace/m);
    t.regex(output, /\.backup: a backup as of /);
    const versions = [...output.matchAll(/^\d+\.\d+\.\d+\+([0-9a-f]{12})$/gm)].map(([, commit]) => commit);
    t.is(versions.length, 3, output);
    t.is(versions[0], versions[1], 'the machine for the command has the same release');
    t.not(versions[1], versions[2], 'and the upgrade another one');
    for (const typedIn of [pin, own, renewed])
      t.false(output.includes(typedIn.replaceAll("'", '')), 'nothing secret is shown');
  },
);
