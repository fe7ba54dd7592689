import type { KeyContext } from '../src/keys/followers.ts';
import type { Simulator } from '../simulator/simulator.ts';
import { AwsClients, type AwsSettings } from '../src/cloud/aws/clients.ts';
import type { AwsContext } from '../src/cloud/controller/context.ts';
import { silentLog, testAwsSettings } from './aws-settings.ts';
import { startAws, type AwsTimes, type TestAws } from './simulated-aws.ts';
import { insertGroup, openVault, type TestVault } from './vault.ts';

export interface AwsVault extends TestVault {
  vaultContext: AwsContext & KeyContext;
  aws: AwsClients;
  simulator: Simulator;
  /** How long AWS takes for what; may be changed. */
  time: AwsTimes;
  kindly: TestAws['kindly'];
  /** An admin group of the vault. */
  group: string;
}

export interface AwsVaultOptions {
  time?: AwsTimes;
  settings?: Partial<AwsSettings>;
  /** Why AWS has to be a kind one. */
  kind?: string;
}

/** A vault as {@link openVault} makes it, whose CSP accounts are in an AWS played by the simulator. */
export async function openAwsVault(options: AwsVaultOptions = {}): Promise<AwsVault> {
  const vault = await openVault();
  const { time = {}, kind } = options;
  const { simulator, kindly } = await startAws({
    time,
    spreadClock: vault.vaultContext.now,
    ...(kind === undefined ? {} : { kind }),
  });
  const aws = clientsOf(simulator, options.settings);
  return {
    ...vault,
    aws,
    simulator,
    time,
    kindly,
    group: await insertGroup(vault.store, vault.vault.id, 'Cloud Admin Group'),
    vaultContext: { ...vault.vaultContext, aws },
    dispose: async () => {
      aws.close();
      await simulator.close();
      await vault.dispose();
    },
  };
}

/** Clients whose AWS is the simulator. */
export function clientsOf(simulator: Simulator, settings: Partial<AwsSettings> = {}): AwsClients {
  const { url, ca } = simulator;
  return new AwsClients(
    testAwsSettings({ endpoints: { kms: url, iam: url, sts: url }, caCertificates: ca, ...settings }),
    silentLog,
  );
}
