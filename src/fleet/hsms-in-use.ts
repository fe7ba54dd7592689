import type { VaultContext } from '../vault/context.ts';
import { fleetNow, isUp } from './nodes.ts';
import { serialsShown } from './hsms-shown.ts';

/** Serial numbers of the HSMs that this node, or another that is up, uses for the token. */
export async function hsmsInUse(context: VaultContext, token: string): Promise<string[]> {
  const pool = context.tokens.pool(token);
  const now = await fleetNow(context);
  const nodes = await context.store.db.selectFrom('nodes').selectAll().execute();
  const shown = serialsShown(
    nodes.filter((node) => isUp(node, now)),
    token,
  );
  const own = pool.members.map((member) => pool.serialOf(member));
  return [...own, ...shown].filter((serial) => typeof serial === 'string');
}
