import { rm } from 'node:fs/promises';
import type { ExecutionContext } from 'ava';
import { copyOfCode, type Edit } from '../../testing/code-copy.ts';

/** What a later version may do that this one knows nothing of. */
const changes: readonly Edit[] = [
  { file: 'package.json', from: /"version": "[^"]+"/, to: '"version": "99.0.0"' },
  {
    file: 'src/store/migrations.ts',
    from: /(export const migrations[^{]*\{)([^}]*)\}/,
    to: `$1$2  '9999-planted': { up: async (db) => db.schema.alterTable('nodes').addColumn('planted', 'text').execute() },\n}`,
  },
  // It uses the column, and says more of itself to the others.
  {
    file: 'src/fleet/nodes.ts',
    from: 'const facts = { ...row,',
    to: `const facts = { ...row, planted: 'later',`,
  },
  {
    file: 'src/fleet/nodes.ts',
    from: 'unkept } satisfies ShownNode',
    to: `unkept, planted: { later: true } } satisfies ShownNode`,
  },
];

/**
 * Where a copy of this version is that does what a later one may do: one migration more, and more in what nodes tell each other.
 * It is run beside this one.
 */
export async function newerVersion(t: ExecutionContext): Promise<string> {
  const copy = await copyOfCode(changes);
  t.teardown(async () => rm(copy, { recursive: true, force: true }));
  return copy;
}
