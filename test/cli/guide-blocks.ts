import { readFileSync } from 'node:fs';

/** A block of shell in docs/guide.md. */
export interface Block {
  heading: string;
  /** `any` where there is one form only. */
  form: 'command-line' | 'api' | 'any';
  script: string;
}

const labels: Record<string, Block['form']> = { 'Command line:': 'command-line', 'API:': 'api' };

/** Its blocks in order, without those that want a terminal, AWS or the node's own shell (marked so after `sh`). */
export function guideBlocks(): Block[] {
  const lines = readFileSync(new URL('../../docs/guide.md', import.meta.url), 'utf8').split('\n');
  const blocks: Block[] = [];
  let heading = '';
  let label = '';
  let open: { script: string[]; walked: boolean } | undefined;
  for (const line of lines) {
    if (open !== undefined) {
      if (line === '```') {
        if (open.walked)
          blocks.push({ heading, form: labels[label] ?? 'any', script: open.script.join('\n') });
        open = undefined;
        label = '';
      } else open.script.push(line);
    } else if (line.startsWith('```')) open = { script: [], walked: line === '```sh' };
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
    ...blocks.flatMap(({ heading, script }) => [`echo ${JSON.stringify(`### ${heading}`)} >&2`, script]),
    'echo "### walked" >&2',
  ].join('\n');
}
