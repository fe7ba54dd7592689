import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** A fenced block of a page. */
export interface Block {
  /** Relative to the checkout. */
  page: string;
  /** Where the fence opens, from 1. */
  line: number;
  /** The headings that it stands beneath, outermost first. */
  headings: readonly string[];
  /** The last line of prose before it. */
  label: string;
  /** What stands after the fence: the language, then words that say how it is to be typed. */
  info: string;
  /** Without the indentation of the fence. */
  text: string;
}

/** Every page that people read, relative to the checkout. */
export function allPages(root: string): string[] {
  const markdown = (folder: string) =>
    readdirSync(path.join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => path.join(folder, name));
  return [...markdown('.'), ...markdown('docs')].toSorted();
}

export function blocksOfPage(root: string, page: string): Block[] {
  return blocksOf(page, readFileSync(path.join(root, page), 'utf8'));
}

/** Throws where a fence is left open: everything after it would pass for a block. */
// oxlint-disable-next-line complexity -- one case for each kind of block
export function blocksOf(page: string, text: string): Block[] {
  const blocks: Block[] = [];
  const headings: string[] = [];
  let label = '';
  let open: { line: number; indent: string; fence: string; info: string; lines: string[] } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const [, indent = '', fence = '', info = ''] = /^( *)(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (open !== undefined) {
      if (fence === open.fence && info === '') {
        const { line: at, info: opened, lines } = open;
        blocks.push({
          page,
          line: at,
          headings: headings.filter((heading) => heading !== undefined),
          label,
          info: opened,
          text: lines.join('\n'),
        });
        open = undefined;
        label = '';
      } else
        open.lines.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line.trimStart());
      continue;
    }
    const [, hashes, heading = ''] = /^(#+) (.*)$/.exec(line) ?? [];
    if (fence !== '') open = { line: index + 1, indent, fence, info: info.trim(), lines: [] };
    else if (hashes !== undefined) {
      headings.length = hashes.length - 1;
      headings[hashes.length - 1] = heading;
    } else if (line.trim() !== '') label = line.trim();
  }
  if (open !== undefined) throw new Error(`${page}:${open.line}: the block is never closed`);
  return blocks;
}

export const languageOf = (block: Block): string => block.info.split(' ')[0] ?? '';

/** To be found by people: page, line, first line. */
export const nameOf = (block: Block): string =>
  `${block.page}:${block.line} (${block.info || 'without a language'}): ${block.text.split('\n')[0] ?? ''}`;
