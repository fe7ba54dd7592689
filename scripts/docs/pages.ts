import { readdirSync } from 'node:fs';
import path from 'node:path';

/** Pages that people read, but for those that are written from the sources; relative to the checkout. */
export function handWrittenPages(root: string): string[] {
  const generated = new Set(['commands.md', 'api.md', 'configuration.md']);
  return [
    'README.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    ...readdirSync(path.join(root, 'docs'))
      .filter((name) => name.endsWith('.md') && !generated.has(name))
      .map((name) => `docs/${name}`),
  ];
}
