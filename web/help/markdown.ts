/*
 * The pages of docs/ as data: what of Markdown they are written in, and no more. Nothing of it ever is markup for the browser.
 */

export type Inline =
  | string
  | { kind: 'code'; text: string }
  | { kind: 'strong'; children: readonly Inline[] }
  | { kind: 'emphasis'; children: readonly Inline[] }
  | { kind: 'link'; href: string; children: readonly Inline[] };

export type Block =
  | { kind: 'heading'; level: number; id: string; children: readonly Inline[] }
  | { kind: 'paragraph'; children: readonly Inline[] }
  | { kind: 'code'; text: string }
  | { kind: 'list'; ordered: boolean; items: readonly (readonly Block[])[] }
  | { kind: 'table'; head: readonly Cell[]; rows: readonly (readonly Cell[])[] };

type Cell = readonly Inline[];

/** `# Words` and what is under it, to the end. */
export function parseMarkdown(text: string): Block[] {
  return blocksOf(text.replaceAll(/<!--[\s\S]*?-->\n*/g, '').split('\n'));
}

const fence = /^(`{3,})[^`]*$/;
const heading = /^(#{1,6}) (.+)$/;
const bullet = /^(?:[-*] |(\d+)\. )/;
const tableRule = /^\|?(?:\s*:?-+:?\s*\|)+\s*(?::?-+:?\s*)?$/;

function blocksOf(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? '';
    if (line.trim() === '') at++;
    else {
      const [block, next] =
        fenced(lines, at) ?? headed(lines, at) ?? listed(lines, at) ?? tabled(lines, at) ?? plain(lines, at);
      blocks.push(block);
      at = next;
    }
  }
  return blocks;
}

type Read = [block: Block, next: number];

function fenced(lines: readonly string[], from: number): Read | undefined {
  const [, marks] = fence.exec(lines[from] ?? '') ?? [];
  if (marks === undefined) return undefined;
  const length = lines.slice(from + 1).findIndex((line) => line === marks);
  const end = length < 0 ? lines.length : from + 1 + length;
  return [{ kind: 'code', text: lines.slice(from + 1, end).join('\n') }, end + 1];
}

function headed(lines: readonly string[], from: number): Read | undefined {
  const [, marks, words] = heading.exec(lines[from] ?? '') ?? [];
  if (marks === undefined || words === undefined) return undefined;
  const block = {
    kind: 'heading',
    level: marks.length,
    id: slugOf(words),
    children: inlineOf(words),
  } as const;
  return [block, from + 1];
}

function listed(lines: readonly string[], from: number): Read | undefined {
  const [first, number] = bullet.exec(lines[from] ?? '') ?? [];
  if (first === undefined) return undefined;
  const ordered = number !== undefined;
  const items: string[][] = [];
  let at = from;
  for (; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const [mark, digits] = bullet.exec(line) ?? [];
    const width = items.length === 0 ? first.length : (items.at(-1)?.[0] ?? '').length;
    if (mark !== undefined && (digits !== undefined) === ordered)
      items.push([' '.repeat(mark.length), line.slice(mark.length)]);
    else if (line.trim() === '') {
      // What comes after a blank line is of the item where it is indented as far.
      const next = lines[at + 1] ?? '';
      if (!next.startsWith(' '.repeat(width)) && bullet.exec(next) === null) break;
      items.at(-1)?.push('');
    } else if (line.startsWith(' '.repeat(width))) items.at(-1)?.push(line.slice(width));
    else if (startsBlock(line)) break;
    else items.at(-1)?.push(line);
  }
  return [{ kind: 'list', ordered, items: items.map(([, ...own]) => blocksOf(own)) }, at];
}

function tabled(lines: readonly string[], from: number): Read | undefined {
  const [head = '', rule = ''] = lines.slice(from, from + 2);
  if (!head.includes('|') || !tableRule.test(rule)) return undefined;
  let end = from + 2;
  while (end < lines.length && (lines[end] ?? '').startsWith('|')) end++;
  const rows = lines.slice(from + 2, end).map(cellsOf);
  return [{ kind: 'table', head: cellsOf(head), rows }, end];
}

function cellsOf(line: string): Cell[] {
  const inner = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '');
  return inner.split(/(?<!\\)\|/).map((cell) => inlineOf(cell.trim().replaceAll('\\|', '|')));
}

function plain(lines: readonly string[], from: number): Read {
  let end = from + 1;
  while (end < lines.length && (lines[end] ?? '').trim() !== '' && !startsBlock(lines[end] ?? '')) end++;
  return [{ kind: 'paragraph', children: inlineOf(lines.slice(from, end).join(' ')) }, end];
}

function startsBlock(line: string): boolean {
  return fence.test(line) || heading.test(line) || bullet.test(line);
}

const parts =
  /(?<code>`+)(?<text>.+?)\k<code>(?!`)|\[(?<label>(?:`[^`]*`|[^\][`]|\[[^\]]*\])*)\]\((?<href>[^)\s]+)\)|\*\*(?<strong>.+?)\*\*|(?<![\w\\])_(?<emphasis>[^_]+?)_(?!\w)|<(?<address>https?:[^>\s]+)>|\\(?<plain>[\\`*_|<>[\]#-])/g;

function inlineOf(text: string): Inline[] {
  const found: Inline[] = [];
  let from = 0;
  for (const match of text.matchAll(parts)) {
    if (match.index > from) found.push(text.slice(from, match.index));
    from = match.index + match[0].length;
    found.push(partOf(match.groups ?? {}));
  }
  if (from < text.length) found.push(text.slice(from));
  return found;
}

function partOf(of: Readonly<Record<string, string | undefined>>): Inline {
  const { code, text = '', label = '', href, strong, emphasis, address, plain: character = '' } = of;
  if (code !== undefined) return { kind: 'code', text: text.replace(/^ (.*) $/, '$1') };
  if (href !== undefined) return { kind: 'link', href, children: inlineOf(label) };
  if (strong !== undefined) return { kind: 'strong', children: inlineOf(strong) };
  if (emphasis !== undefined) return { kind: 'emphasis', children: inlineOf(emphasis) };
  if (address !== undefined) return { kind: 'link', href: address, children: [address] };
  return character;
}

/** What a heading is called in links to it, as GitHub does. */
export function slugOf(words: string): string {
  return words
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
}
