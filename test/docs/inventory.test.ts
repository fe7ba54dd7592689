import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { blocksOf, nameOf, type Block } from '../../scripts/docs/blocks.ts';
import { excuses, isCoveredBy, steps, typings, type Excuse, type Step } from './coverage.ts';
import { problemOfBlock } from './languages.ts';
import { problemsOfShell } from './shell.ts';
import { checkout, everyBlock, looksLike } from './typing.ts';

const isOf = ({ page, begins }: Excuse | Step, block: Block) =>
  block.page === page && block.text.startsWith(begins);

/** The lines of the block that the script does not have. */
function missingFrom(step: Step, block: Block): string[] {
  const source = readFileSync(path.join(checkout, step.script), 'utf8');
  const lines = block.text.split('\n').map((line) => line.replace(/ +#.*$/, '').trim());
  return (step.as === undefined ? lines : [step.as]).filter((line) => !source.includes(line));
}

test('every block of every page is typed by a test, or parsed by what reads it', async (t) => {
  const blocks = everyBlock();
  t.true(blocks.length > 200);
  const problems: string[] = [];
  for (const block of blocks) {
    if (typings.some((typing) => isCoveredBy(typing, block))) continue;
    const step = steps.find((one) => isOf(one, block));
    if (step !== undefined) {
      problems.push(
        ...missingFrom(step, block).map((line) => `${nameOf(block)}: ${step.script} has no ${line}`),
      );
      continue;
    }
    const problem = excuses.some((excuse) => isOf(excuse, block))
      ? await problemsOfShell(block.text)
      : await problemOfBlock(block);
    if (problem !== undefined) problems.push(`${nameOf(block)}: ${problem}`);
  }
  t.deepEqual(problems, []);
});

test('who is said to type a block takes it from its page, and asks whether it has', (t) => {
  for (const typing of typings) {
    const source = readFileSync(path.join(checkout, typing.test), 'utf8');
    t.true(
      source.includes(`new PageTyping(import.meta.url, '${typing.page}')`),
      `${typing.test} does not ask for its blocks of ${typing.page}`,
    );
    t.regex(source, /\.untyped\(/, `${typing.test} does not ask whether all were typed`);
    t.true(
      everyBlock().some((block) => isCoveredBy(typing, block)),
      `${typing.page} has no block for ${JSON.stringify(typing)}`,
    );
  }
});

test("README's first line asks for what the bare machine has, and for what its examples call", (t) => {
  const blocks = everyBlock().filter(({ page, info }) => page === 'README.md' && info === 'sh');
  const [, first = ''] = /apt-get install -y (.*)$/m.exec(blocks[0]?.text ?? '') ?? [];
  const [, machine = ''] =
    /^packages=(\S+)$/m.exec(readFileSync(path.join(checkout, 'scripts/bare/machine'), 'utf8')) ?? [];
  const needed = machine.split(',');
  t.deepEqual(first.split(' ').slice(0, needed.length), needed);
  const examples = blocks.slice(1).map(({ text }) => text);
  for (const name of first.split(' ').slice(needed.length))
    t.true(
      examples.some((text) => new RegExp(`(?:^ *|[|(] ?)${name} `, 'm').test(text)),
      name,
    );
});

test('an excuse is for one block that nobody types, and says what it needs', (t) => {
  for (const step of steps)
    t.is(everyBlock().filter((block) => isOf(step, block)).length, 1, `${step.page}: ${step.begins}`);
  for (const excuse of excuses) {
    const found = everyBlock().filter((block) => isOf(excuse, block));
    t.is(found.length, 1, `${excuse.page}: ${excuse.begins}`);
    t.false(
      typings.some((typing) => found.some((block) => isCoveredBy(typing, block))),
      excuse.begins,
    );
    t.true(excuse.needs.length > 10, excuse.begins);
  }
  t.true(excuses.length <= 12, 'the list is short, or it is no list of exceptions');
});

test('blocks are found with their headings, wherever they stand', (t) => {
  const page = [
    '# Page',
    '## First',
    'Say:',
    '```sh aws',
    '# no heading',
    'one',
    '```',
    '- an item',
    '',
    '   ```text',
    '   two',
    '     three',
    '   ```',
    '### Below',
    '````',
    '```',
    '````',
  ].join('\n');
  t.deepEqual(
    blocksOf('page.md', page).map(({ line, headings, label, info, text }) => ({
      line,
      headings,
      label,
      info,
      text,
    })),
    [
      { line: 4, headings: ['Page', 'First'], label: 'Say:', info: 'sh aws', text: '# no heading\none' },
      { line: 10, headings: ['Page', 'First'], label: '- an item', info: 'text', text: 'two\n  three' },
      { line: 15, headings: ['Page', 'First', 'Below'], label: '', info: '', text: '```' },
    ],
  );
  t.throws(() => blocksOf('page.md', '# Page\n```sh\nholdfast'), {
    message: 'page.md:2: the block is never closed',
  });
});

test('what a page shows is compared with what was printed, but for what is never the same', (t) => {
  t.true(looksLike('ready at https://127.0.0.1:4568\n', 'x\nready at https://127.0.0.1:9\ny', [/4568/g]));
  t.true(looksLike('in /…/ca.pem (1.5)', 'in /home/ada/ca.pem (1.5)'));
  t.false(looksLike('in /…/ca.pem (1.5)', 'in /home/ada/ca.pem (125)'));
  t.false(looksLike('ready', 'not ready'));
});

test('what nothing reads, and what its reader refuses, is told', async (t) => {
  const problem = async (info: string, text: string) =>
    problemOfBlock({ page: 'docs/x.md', line: 1, headings: [], label: '', info, text });
  t.is(await problem('', 'x'), 'no test types it, and nothing here reads a block without a language');
  t.is(await problem('cobol', 'x'), 'no test types it, and nothing here reads cobol');
  t.is(await problem('sh', 'true'), 'no test types it: say in test/docs/coverage.ts which does');
  t.regex((await problem('toml', '[node]\nprot = 1')) ?? '', /node\.prot: unknown setting/);
  t.regex((await problem('yaml', 'a: [')) ?? '', /Flow sequence/);
  t.regex((await problem('ini', '[Service]\nExecStrat=/bin/true')) ?? '', /ExecStrat/);
  t.regex((await problem('mermaid', 'flowchart LR\n  A -- B')) ?? '', /A -- B/);
  t.is(await problemsOfShell('holdfast vault list --colour'), 'list has no option --colour');
  t.is(await problemsOfShell('aws kms no-such-thing'), 'AWS KMS has no no-such-thing');
  t.is(await problemsOfShell('aws kms describe-key --key x'), 'aws kms describe-key has no --key');
  t.regex((await problemsOfShell('if true; then')) ?? '', /syntax error/);
  t.is(await problemsOfShell('aws kms describe-key --key-id x && holdfast vault list'), undefined);
});
