import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { allPages, blocksOfPage, nameOf, type Block } from '../../scripts/docs/blocks.ts';
import { isCoveredBy, typings } from './coverage.ts';

export const checkout = path.resolve(import.meta.dirname, '../..');

/** Every block of every page. */
export function everyBlock(): Block[] {
  return allPages(checkout).flatMap((page) => blocksOfPage(checkout, page));
}

/** The blocks that a test has to type, and whether it has: one for each test file and page. */
export class PageTyping {
  readonly page: string;
  readonly blocks: readonly Block[];
  readonly #seen = new Set<Block>();

  constructor(testUrl: string, page: string) {
    const test = path.relative(checkout, fileURLToPath(testUrl));
    const mine = typings.filter((typing) => typing.test === test && typing.page === page);
    this.page = page;
    this.blocks = blocksOfPage(checkout, page).filter((block) =>
      mine.some((typing) => isCoveredBy(typing, block)),
    );
    if (this.blocks.length === 0)
      throw new Error(`${test} has no blocks of ${page} in test/docs/coverage.ts`);
  }

  /** Beneath a heading, at any depth. */
  beneath(heading: string): Block[] {
    const found = this.blocks.filter((block) => block.headings.includes(heading));
    if (found.length === 0) throw new Error(`${this.page} has nothing to type beneath ${heading}`);
    return found;
  }

  /** That of the language: one. */
  in(language: string): Block {
    const [found, ...more] = this.blocks.filter(({ info }) => info === language);
    if (found === undefined || more.length > 0)
      throw new Error(`${this.page} has not one block in ${language}`);
    return found;
  }

  /** What no shell types, such as an output that is shown, has been tried. */
  saw(block: Block): void {
    this.#seen.add(block);
  }

  /** Those whose last line was not reached, by what a script of {@link scriptOf} has said on standard error. */
  untyped(...errors: readonly string[]): string[] {
    const lines = new Set(errors.join('\n').split('\n'));
    return this.blocks.filter((block) => !this.#seen.has(block) && !lines.has(mark(block))).map(nameOf);
  }
}

export interface ScriptOptions {
  /** What the shell is given in place of the block's text: a subshell around it, an exit code that may be. */
  wrap?: (block: Block) => string;
  /** Pairs: what the page has for example, and what it is here. */
  put?: readonly (readonly [string, string])[];
}

/**
 * Shell that types the blocks one after another. With `set -e` the line after each says that all of it was typed, and the
 * one before it where a failure was.
 */
export function scriptOf(
  blocks: readonly Block[],
  { wrap = ({ text }) => text, put = [] }: ScriptOptions = {},
): string {
  return blocks
    .flatMap((block) => [
      `echo ${quoted(`### ${nameOf(block)}`)} >&2`,
      put.reduce((script, [from, to]) => script.replaceAll(from, to), wrap(block)),
      `echo ${quoted(mark(block))} >&2`,
    ])
    .join('\n');
}

const mark = ({ page, line }: Block) => `### typed ${page}:${line}`;

export const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Whether what was printed is what a page shows: `…` stands for whatever is there, and so do the given words. */
export function looksLike(shown: string, printed: string, varying: readonly RegExp[] = []): boolean {
  const hole = '\u0000';
  const holes = varying.reduce(
    (text, pattern) => text.replaceAll(pattern, hole),
    shown.replaceAll('…', hole),
  );
  const pattern = holes
    .split(hole)
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`))
    .join('[^\\n]*');
  return new RegExp(`^${pattern.trimEnd()}$`, 'm').test(printed);
}
