import { AwsClients, type AwsSettings } from '../../src/aws/clients.ts';
import type { AwsHouse } from '../../src/vault/aws-house.ts';
import { silentLog, testAwsSettings } from './aws-settings.ts';
import { openVault, type TestVault } from './vault.ts';

export interface AwsVault extends TestVault {
  house: AwsHouse;
  aws: AwsClients;
}

/** A vault as {@link openVault} makes it, whose CSP accounts are in an AWS played by the simulator. */
export async function openAwsVault(settings: Partial<AwsSettings> = {}): Promise<AwsVault> {
  const vault = await openVault();
  const aws = new AwsClients(testAwsSettings(settings), silentLog);
  return {
    ...vault,
    aws,
    house: { ...vault.house, aws },
    dispose: async () => {
      aws.close();
      await vault.dispose();
    },
  };
}
