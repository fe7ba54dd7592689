import type { LoadedToken } from '../config/load.ts';
import type { HostSettings } from '../token/keeper/host-keeper.ts';

/** What a token's hosts are started with. */
export function hostSettings(
  token: LoadedToken,
  pin: HostSettings['pin'],
  order: Pick<HostSettings['order'], 'prepare' | 'permitted' | 'ownProofs' | 'makesKeys' | 'recorded'> = {},
  pins?: HostSettings['pins'],
): HostSettings {
  return {
    token: token.name,
    order: {
      profile: token.moduleProfile,
      module: token.module,
      initializeParameters: token.initialize_parameters,
      choose: { label: token.label, serial: token.serial },
      ...order,
    },
    environment: { ...token.moduleProfile.environment, ...token.environment },
    pin,
    pins,
    startTimeout: token.start_timeout_ms,
  };
}
