import { loadProfile } from '../../src/config/profile.ts';
import { Secret } from '../../src/secret.ts';
import { HostKeeper, LoginGate, type RunningHost } from '../../src/token/keeper/host-keeper.ts';
import { verifyConnection, type Verification } from '../../src/token/keeper/verification.ts';
import type { TokenWords } from '../../src/token/remediations.ts';

/*
 * Starts hosts of a token and prints what they tell of the making of keys: `node trial-report.ts JSON`. A process of its own,
 * so that a test can take the rights of root away from it.
 */

export interface TrialOrder {
  module: string;
  label: string;
  pin: string;
  environment: Record<string, string>;
  writes: string[];
}

export interface TrialReport {
  verification: Verification;
  /** What a host of the management process tells at its start. */
  noKeys: TokenWords | undefined;
}

async function main(): Promise<void> {
  const { module, label, pin, environment, writes } = JSON.parse(process.argv[2] ?? '') as TrialOrder;
  const profile = { ...loadProfile('softhsm2'), writes };
  const settings = {
    token: 'token',
    order: { profile, module, choose: { label } },
    environment,
    pin: async () => new Secret(pin),
    startTimeout: 60_000,
  };
  const verification = await verifyConnection(settings, new LoginGate());
  const started = Promise.withResolvers<RunningHost>();
  const management = { ...settings, order: { ...settings.order, makesKeys: true } };
  const keeper = new HostKeeper(management, new LoginGate(), {
    onReady: (host) => started.resolve(host),
    onGone: () => undefined,
    onFailed: (problem) => started.reject(new Error(problem)),
  });
  keeper.start();
  const { noKeys } = await started.promise;
  await keeper.stop();
  console.log(JSON.stringify({ verification, noKeys } satisfies TrialReport));
}

await main();
