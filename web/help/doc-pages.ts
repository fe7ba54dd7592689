import type { Block } from './markdown.ts';

/** Where a link of a page of docs/ leads: to another page of them, out of the console, or nowhere from here. */
export type Target =
  { kind: 'page'; name: string; anchor: string } | { kind: 'out'; href: string } | { kind: 'none' };

const within = /^(?:(?<name>[a-z0-9-]+)\.md)?(?:#(?<anchor>.+))?$/;

/** `from` is the name of the page that has the link, such as `runbook`. */
export function targetOf(href: string, from: string): Target {
  if (/^https?:\/\//.test(href)) return { kind: 'out', href };
  const { groups } = within.exec(href) ?? {};
  if (groups === undefined) return { kind: 'none' };
  return { kind: 'page', name: groups['name'] ?? from, anchor: groups['anchor'] ?? '' };
}

/** Its title, for the tab and the crumbs. */
export function titleOf(blocks: readonly Block[]): string {
  const first = blocks.find((block) => block.kind === 'heading');
  return first?.children.map((part) => (typeof part === 'string' ? part : '')).join('') ?? '';
}
