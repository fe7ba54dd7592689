import test from 'ava';
import { Shim } from '../../testing/shim.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { OpenPool } from './open-pool.ts';

/**
 * A SoftHSM token with Holdfast's own keys, and a shim before it, for all tests of a file: there from the first of them on,
 * removed after the last; the shim is cleared after each. `prepare` comes before a host has seen the token.
 */
export function preparedToken(prepare?: (fixture: TokenFixture) => Promise<unknown>): {
  fixture: TokenFixture;
  shim: Shim;
} {
  const state = {} as { fixture: TokenFixture; shim: Shim };
  test.before(async () => {
    [state.fixture, state.shim] = await Promise.all([createSoftHsmToken(), Shim.create()]);
    await prepare?.(state.fixture);
    const first = new OpenPool(state.fixture);
    await first.startInTurn();
    await first.stop();
  });
  test.afterEach.always(() => state.shim.clear());
  test.after.always(async () => {
    await state.shim.dispose();
    await state.fixture.dispose();
  });
  return state;
}
