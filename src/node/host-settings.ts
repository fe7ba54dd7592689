import type { LoadedConfig, LoadedMember, LoadedToken } from '../config/load.ts';
import type { HostSettings } from '../token/keeper/host-keeper.ts';
import type { NewPinBy } from '../token/login-gate.ts';
import type { WorkerToken } from './messages.ts';

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

/** What an XKS worker is told of each token. */
export function tokensOfWorker({ tokens, workers }: Pick<LoadedConfig, 'tokens' | 'workers'>): WorkerToken[] {
  return tokens.map((token) => workerToken(token, (member) => hostsOf(member, workers)));
}

/** What the management process is told of them: it has one host of each HSM. */
export function tokensOfManagement({ tokens }: Pick<LoadedConfig, 'tokens'>): WorkerToken[] {
  return tokens.map((token) => workerToken(token, () => 1));
}

function workerToken(token: LoadedToken, hosts: (member: LoadedMember) => number): WorkerToken {
  const { name, profile, sick_after_ms, kill_after_ms, moduleProfile } = token;
  const members = token.members.map((member) => ({ name: member.name, hosts: hosts(member) }));
  return { name, profile, sick_after_ms, kill_after_ms, moduleProfile, members };
}

/** The hosts of one HSM are shared out among the workers; each has at least one. */
export function hostsOf(member: LoadedMember, workers: number): number {
  return Math.max(1, Math.ceil((member.hosts ?? member.moduleProfile.hosts) / workers));
}

export function newPinBy(pin: LoadedMember['pin']): NewPinBy {
  return pin === undefined || 'file' in pin ? 'reload' : 'restart';
}
