import type { Block } from '../../scripts/docs/blocks.ts';
import { type PageTyping, scriptOf } from '../docs/typing.ts';

/** `any` where there is one form only. */
export type Form = 'command-line' | 'api' | 'any';

const labels: Record<string, Form> = { 'Command line:': 'command-line', 'API:': 'api' };

/** `sh doctor`: what has one form, and is dear enough for once. */
export const formOf = ({ info, label }: Block): Form =>
  labels[label] ?? (info === 'sh doctor' ? 'command-line' : 'any');

/** One bash script of all blocks of a form, which stops at the first command that fails and says where. */
export function guideScript({ blocks }: PageTyping, form: Form): string {
  const mine = blocks.filter((block) => [form, 'any'].includes(formOf(block)));
  return `set -euo pipefail\n${scriptOf(mine, {
    // What is refused is to fail.
    wrap: ({ info, text }) => (info.endsWith(' refused') ? toFail(text) : text),
  })}`;
}

/** Not after `!` or within `if`, where a failure in its middle would be passed over. */
function toFail(script: string): string {
  return `set +e\n( set -e\n${script}\n)\nrefused=$?\nset -e\n[ $refused != 0 ]`;
}
