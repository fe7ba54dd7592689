import type { Block } from '../../scripts/docs/blocks.ts';
import { type PageTyping, scriptOf } from '../docs/typing.ts';

export const headingOf = ({ headings }: Block): string => headings.at(-1) ?? '';

/** Where the page says what all of its blocks need. */
export const beginning = 'Before you begin';

/** Of the command line, and not of AWS's or of what both walks need. */
export const isTask = (block: Block): boolean => block.info === 'sh' && headingOf(block) !== beginning;

/** The guide as one bash script, which stops at the first command that fails and says where. */
export function guideScript({ blocks }: PageTyping): string {
  return script(blocks);
}

/** The same with the API: the examples' blocks in the place of the command line's, one for one beneath each heading. */
export function apiScript(guide: PageTyping, examples: PageTyping): string {
  const left = [...examples.blocks];
  const take = (heading: string) => {
    const at = left.findIndex((block) => headingOf(block) === heading);
    return at < 0 ? [] : left.splice(at, 1);
  };
  const [first, ...rest] = guide.blocks.filter(({ info }) => info !== 'sh doctor');
  return script([
    ...(first === undefined ? [] : [first]),
    ...take(beginning),
    ...rest.flatMap((block) => (isTask(block) ? take(headingOf(block)) : [block])),
  ]);
}

function script(blocks: readonly Block[]): string {
  return `set -euo pipefail\n${scriptOf(blocks, {
    // What is refused is to fail.
    wrap: ({ info, text }) => (info.endsWith(' refused') ? toFail(text) : text),
  })}`;
}

/** Not after `!` or within `if`, where a failure in its middle would be passed over. */
function toFail(text: string): string {
  return `set +e\n( set -e\n${text}\n)\nrefused=$?\nset -e\n[ $refused != 0 ]`;
}
