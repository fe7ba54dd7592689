/** A package that comes with a node, or is in what the console is built of. */
export interface Licence {
  name: string;
  version: string;
  /** As its package says, in SPDX's words. */
  licence: string;
  usedBy: 'node' | 'console' | 'both';
}

/** Empty here: what it has is made where the console is built, by licences-plugin.ts. */
export const licences: readonly Licence[] = [];
