import { fileURLToPath } from 'node:url';
import test from 'ava';
import { commandsOf, problemOf, unknownCommands } from '../../scripts/docs/commands-check.ts';
import { brokenLinks, brokenPageNames, pagesNamedIn } from '../../scripts/docs/links-check.ts';
import { createProgram } from '../../src/cli/program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('every command that a page tells somebody to type is there, with its options', (t) => {
  t.deepEqual(unknownCommands(root), []);
});

test('every page and heading that a page or a text of ours sends somebody to is there', (t) => {
  t.deepEqual(brokenLinks(root), []);
  t.deepEqual(brokenPageNames(root), []);
});

test('a page or a heading that is not there is told', (t) => {
  const told = (text: string) => pagesNamedIn(root, text);
  t.deepEqual(told('renew it: docs/operations.md, TLS'), []);
  t.deepEqual(told('see docs/operations.md, "Load balancers", and docs/backup.md; then'), []);
  t.deepEqual(told('put it back (docs/restoring.md)'), ['docs/restoring.md is not there']);
  t.deepEqual(told('renew it: docs/operations.md, Certificates of old; then'), [
    'docs/operations.md, Certificates of old: the page has no such heading',
  ]);
});

test('commands are found where a shell would run them', (t) => {
  const page = `Say \`holdfast key-set freeze payments\`, or \`holdfast-simulator\`.

\`\`\`sh
sudo -u holdfast holdfast --config /etc/x init   # once
vault=$(bin/holdfast --json vault list | jq -r '.[0].id')
holdfast cloud-key create payroll \\
  --description 'of "holdfast"; ours' > made && echo holdfast
# holdfast nothing
\`\`\`
`;
  t.deepEqual(commandsOf(page), [
    ['--config', '/etc/x', 'init'],
    ['--json', 'vault', 'list'],
    ['cloud-key', 'create', 'payroll', '--description', `'of "holdfast"; ours'`],
    ['key-set', 'freeze', 'payments'],
  ]);
});

test('a command or an option that is not there is told', (t) => {
  const problem = (line: string) => problemOf(createProgram(), line.split(' '));
  t.is(problem('--json cloud-key list --key-set payments'), undefined);
  t.is(problem('--profile status vault show emea'), undefined);
  t.is(problem('cloud-key create create --key-set payments'), undefined);
  t.is(problem('cloud-keys list'), 'holdfast has no command cloud-keys');
  t.is(problem('cloud-key lst'), 'cloud-key has no command lst');
  t.is(problem('cloud-key list --key-sets=x'), 'list has no option --key-sets');
  t.is(problem('vault show emea --colour'), 'show has no option --colour');
});
