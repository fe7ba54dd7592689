import type { LoadedConfig, LoadedToken } from '../config/load.ts';
import type { NewPinBy } from '../token/login-gate.ts';
import type { WorkerToken } from './messages.ts';

/** What an XKS worker is told of each token. */
export function tokensOfWorker({ tokens, workers }: Pick<LoadedConfig, 'tokens' | 'workers'>): WorkerToken[] {
  return tokens.map((token) => workerToken(token, hostsOf(token, workers)));
}

/** What the management process is told of them: it has one host of each. */
export function tokensOfManagement({ tokens }: Pick<LoadedConfig, 'tokens'>): WorkerToken[] {
  return tokens.map((token) => workerToken(token, 1));
}

function workerToken(token: LoadedToken, hosts: number): WorkerToken {
  const { name, profile, sick_after_ms, kill_after_ms, moduleProfile } = token;
  return { name, profile, sick_after_ms, kill_after_ms, moduleProfile, hosts };
}

/** The token's hosts are shared out among the workers; each has at least one. */
export function hostsOf(token: LoadedToken, workers: number): number {
  return Math.max(1, Math.ceil((token.hosts ?? token.moduleProfile.hosts) / workers));
}

export function newPinBy(pin: LoadedToken['pin']): NewPinBy {
  return pin === undefined || 'file' in pin ? 'reload' : 'restart';
}
