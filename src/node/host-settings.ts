import type { LoadedMember } from '../config/load.ts';
import type { HostSettings } from '../token/keeper/host-keeper.ts';

/** What the hosts of one PKCS#11 token are started with. */
export function hostSettings(
  member: LoadedMember,
  pin: HostSettings['pin'],
  order: Pick<HostSettings['order'], 'prepare' | 'permitted' | 'ownProofs' | 'makesKeys' | 'recorded'> = {},
  pins?: HostSettings['pins'],
): HostSettings {
  return {
    token: member.title,
    order: {
      profile: member.moduleProfile,
      module: member.module,
      initializeParameters: member.initialize_parameters,
      choose: { label: member.label, serial: member.serial },
      ...order,
    },
    environment: { ...member.moduleProfile.environment, ...member.environment },
    pin,
    pins,
    startTimeout: member.start_timeout_ms,
  };
}
