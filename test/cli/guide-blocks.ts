import { readFileSync } from 'node:fs';

/** A block of shell in docs/guide.md. */
export interface Block {
  heading: string;
  /** `any` where there is one form only. */
  form: 'command-line' | 'api' | 'any';
  /** It shows what is refused: it is to fail. */
  refused: boolean;
  script: string;
}

const labels: Record<string, Block['form']> = { 'Command line:': 'command-line', 'API:': 'api' };

/**
 * What stands after the fence of blocks that are walked. `sh aws`: AWS's command line, for whoever administers the
 * account; `sh doctor`: what has one form, and is dear enough for once.
 */
const walked = new Set(['sh', 'sh aws', 'sh aws refused', 'sh doctor']);

/** Its blocks in order, without those that want a terminal or the node's own shell (marked so after `sh`). */
export function guideBlocks(): Block[] {
  const lines = readFileSync(new URL('../../docs/guide.md', import.meta.url), 'utf8').split('\n');
  const blocks: Block[] = [];
  let heading = '';
  let label = '';
  let open: { script: string[]; info: string } | undefined;
  for (const line of lines) {
    if (open !== undefined) {
      if (line === '```') {
        const { script, info } = open;
        if (walked.has(info))
          blocks.push({
            heading,
            form: labels[label] ?? (info === 'sh doctor' ? 'command-line' : 'any'),
            refused: info.endsWith(' refused'),
            script: script.join('\n'),
          });
        open = undefined;
        label = '';
      } else open.script.push(line);
    } else if (line.startsWith('```')) open = { script: [], info: line.slice(3) };
    else if (line.startsWith('#')) heading = line.replace(/^#+ /, '');
    else if (line !== '') label = line;
  }
  return blocks;
}

/** One bash script of all blocks of a form, which stops at the first command that fails and says where. */
export function guideScript(form: Block['form']): string {
  const blocks = guideBlocks().filter((block) => block.form === form || block.form === 'any');
  return [
    'set -euo pipefail',
    ...blocks.flatMap(({ heading, script, refused }) => [
      `echo ${JSON.stringify(`### ${heading}`)} >&2`,
      refused ? toFail(script) : script,
    ]),
    'echo "### walked" >&2',
  ].join('\n');
}

/** Not after `!` or within `if`, where a failure in its middle would be passed over. */
function toFail(script: string): string {
  return `set +e\n( set -e\n${script}\n)\nrefused=$?\nset -e\n[ $refused != 0 ]`;
}
