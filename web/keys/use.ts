import type { Schemas } from '../../src/cli/client/api-types.ts';

export type CloudKey = Schemas['CloudKey'];

/** When AWS used it last; null for never. */
export function lastUse({ lastEncryptAt, lastDecryptAt }: CloudKey['use']): string | null {
  return (
    [lastEncryptAt, lastDecryptAt]
      .filter((at) => at !== null)
      .toSorted()
      .at(-1) ?? null
  );
}

const month = 30 * 86_400_000;

export function wasUsedLately({ use }: CloudKey): boolean {
  const last = lastUse(use);
  return last !== null && Date.now() - Date.parse(last) < month;
}
