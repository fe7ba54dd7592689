import type { Socket } from 'node:net';
import type { Logger } from '../log.ts';
import { HostKeeper, type HostSettings, type LoginGate } from '../token/keeper/host-keeper.ts';
import { remediationOfOwnKeys } from '../token/own-keys.ts';
import { StarvationGauge } from '../watchdog.ts';
import type { KeptHost } from './kept-host.ts';
import type { OwnKeysMade, ToWorker } from './messages.ts';

/** What a host is kept for. */
export interface HostSurroundings {
  /** Of its worker. */
  kind: string;
  index: number;
  log: Logger;
  onChange: () => void;
  onPinRefused: (token: string, problem: string, remediation: string) => void;
  onOwnKeysMade?: ((made: OwnKeysMade) => void) | undefined;
  /** A host of the token has become ready. */
  started: (token: string) => void;
  tell: (message: ToWorker, handle?: Socket) => void;
  stopping: AbortSignal;
}

/** Keeps one token host of a worker running, and its worker told of it. */
export function keepHost(
  token: string,
  settings: HostSettings,
  gate: LoginGate,
  { kind, index, log, onChange, onPinRefused, onOwnKeysMade, started, tell, stopping }: HostSurroundings,
): KeptHost {
  const entry: KeptHost = {
    token,
    hostId: undefined,
    preparedId: undefined,
    pid: 0,
    info: undefined,
    gauge: undefined,
    spared: 0,
    problem: undefined,
    failures: 0,
    alarms: [],
    keeper: new HostKeeper(settings, gate, {
      onReady: ({ id, pid, socket, info, ownProofs, alarms, noKeys, operationTime }) => {
        entry.hostId = id;
        entry.pid = pid;
        entry.info = info;
        entry.gauge = new StarvationGauge(pid);
        entry.spared = 0;
        entry.failures = 0;
        started(token);
        tell({ kind: 'host', token, id, pid, info, ownProofs, operationTime }, socket);
        const { serial, firmware } = info;
        // What the first one found is what all that come after have to find.
        settings.order.ownProofs = { [serial]: ownProofs, ...settings.order.ownProofs };
        takeAlarms(entry, alarms, log);
        if (noKeys !== undefined)
          log.error({ token, serial, ...noKeys }, 'no key can be made or rotated in this token');
        log.info({ token, tokenHost: pid, of: kind, worker: index, serial, firmware }, 'token host ready');
        onChange();
      },
      onOwnKeys: (alarms, proofs) => {
        if (proofs !== undefined) onOwnKeysMade?.({ token, serial: entry.info?.serial ?? '', proofs });
        takeAlarms(entry, alarms, log);
      },
      onGone: (id, why) => {
        entry.hostId = undefined;
        entry.gauge = undefined;
        tell({ kind: 'host-gone', token, id, pid: entry.pid });
        onChange();
        if (!stopping.aborted) log.warn({ token, why }, 'token host gone, starting another');
      },
      onFailed: (problem, remediation, pinRefused) => {
        log.error({ token, problem, remediation }, 'token host could not start');
        entry.problem = problem;
        entry.failures++;
        if (pinRefused) onPinRefused(token, problem, remediation);
        onChange();
      },
    }),
  };
  return entry;
}

function takeAlarms(entry: KeptHost, alarms: string[], log: Logger): void {
  const { token } = entry;
  for (const problem of alarms.filter((alarm) => !entry.alarms.includes(alarm)))
    log.error(
      { token, problem, remediation: remediationOfOwnKeys },
      'a key of Holdfast’s own is not the one that was made: nothing is done with it',
    );
  if (alarms.length === 0 && entry.alarms.length > 0)
    log.warn({ token }, 'the keys of Holdfast’s own in the token are the right ones again');
  entry.alarms = alarms;
}
