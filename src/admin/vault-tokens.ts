import { z } from 'zod';
import { monotonicNow } from '../clock.ts';
import { recordAlone } from '../evidence/trail.ts';
import { tokensOf } from '../vault/granted-tokens.ts';
import { findVault } from '../vault/vaults.ts';
import { time, vaultId } from './keys/key-forms.ts';
import { Problem } from './problem.ts';
import { route, type Route } from './route.ts';
import type { AdminServices, TokenReport } from './services.ts';
import { tokenName, verificationSteps } from './tokens.ts';

/*
 * What a vault's people are told of a token that their key sets may use. It is the appliance's, and other vaults' too: whether it
 * works is told, and how far the verification came; not where its module is, what the module said, or the HSM's serial number.
 */

const report = z
  .strictObject({
    ok: z.boolean(),
    at: time.describe('When it was verified; up to ten seconds ago.'),
    steps: z
      .array(z.strictObject({ name: verificationSteps, ok: z.boolean(), milliseconds: z.number() }))
      .describe('In the order in which they were tried; the first that failed is the last.'),
    hsm: z
      .strictObject({ manufacturer: z.string(), model: z.string(), firmware: z.string() })
      .nullable()
      .describe('What the token reports about itself; null if it could not be asked.'),
    remediation: z.string().nullable().describe('What to do; null if nothing has to be done.'),
  })
  .meta({ id: 'VaultTokenReport', description: 'Whether a token works, for the people of a vault.' });

/** Milliseconds for which one report is the answer to whoever asks: people of many vaults may, and each costs the HSM a session. */
const keptFor = 10_000;

interface Kept {
  /** Of {@link monotonicNow}. */
  asked: number;
  at: Date;
  report: Promise<TokenReport>;
}

/** By whom verifications are made, then by token. */
const kept = new WeakMap<AdminServices['verifyToken'], Map<string, Kept>>();

async function verified({ verifyToken }: AdminServices, name: string, at: Date) {
  const known = kept.get(verifyToken) ?? new Map<string, Kept>();
  kept.set(verifyToken, known);
  const last = known.get(name);
  const fresh =
    last !== undefined && monotonicNow() - last.asked < keptFor
      ? last
      : { asked: monotonicNow(), at, report: verifyToken(name) };
  known.set(name, fresh);
  try {
    return { at: fresh.at, found: await fresh.report };
  } catch (error) {
    // That nobody could try it is no report.
    if (known.get(name) === fresh) known.delete(name);
    throw error;
  }
}

export const vaultTokenRoutes: readonly Route[] = [
  route({
    operation: 'verifyVaultToken',
    method: 'POST',
    path: '/vaults/{vaultId}/tokens/{token}/verify',
    tag: 'Tokens',
    summary: 'Verify the connection to a token of a vault',
    description:
      'As the appliance’s administrators verify it: an additional token host loads the module, finds the token, logs in, ' +
      'reads the mechanisms, runs the self-test and times 20 operations. Tells whether each step succeeded; details, ' +
      'which other vaults’ people are not told either, are for the appliance’s administrators. A report is up to ten seconds ' +
      'old: within that time the token is not asked again.',
    access: { kind: 'permission', vault: 'key-sets.write' },
    params: z.strictObject({ vaultId, token: tokenName }),
    answer: report,
    handle: async ({ services, params, act }) => {
      const { vaultId, token: name } = params;
      const granted = tokensOf(await findVault(services.store.db, vaultId));
      if (!granted.includes(name) || !services.tokenFacts.some((facts) => facts.name === name))
        throw new Problem('not-found', 'the vault has no token of this name', {
          remediation: 'GET /vaults/{vaultId} lists them in `tokens`',
        });
      const { at, found } = await verified(services, name, act.at);
      const failed = found.steps.find(({ ok }) => !ok);
      await recordAlone(services.store, act, {
        action: 'token.verify',
        vaultId,
        target: { kind: 'token', id: name, name },
        after: { ok: found.ok, ...(failed === undefined ? {} : { failed: failed.name }) },
      });
      return { body: shown(name, at, found) };
    },
  }),
];

function shown(token: string, at: Date, { ok, steps, info }: TokenReport): z.output<typeof report> {
  return {
    ok,
    at: at.toISOString(),
    steps: steps.map(({ name, ok, milliseconds }) => ({ name, ok, milliseconds })),
    hsm:
      info === undefined
        ? null
        : { manufacturer: info.manufacturer, model: info.model, firmware: info.firmware },
    remediation: ok
      ? null
      : `an administrator of the appliance is told why: holdfast token verify ${token}; until then make no key set in it`,
  };
}
