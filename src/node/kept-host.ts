import type { Socket } from 'node:net';
import { wallClock } from '../clock.ts';
import type { LoadedMember } from '../config/load.ts';
import type { Logger } from '../log.ts';
import type { TokenInfo } from '../token/token-info.ts';
import type { TokenWords } from '../token/remediations.ts';
import { HostKeeper, type HostSettings, type LoginGate } from '../token/keeper/host-keeper.ts';
import { remediationOfOwnKeys } from '../token/own-keys.ts';
import { StarvationGauge } from '../watchdog.ts';
import type { OwnKeysMade, ToWorker } from './messages.ts';

/** A token host of a worker's, with what its worker's supervisor knows of it. */
export interface KeptHost {
  keeper: HostKeeper;
  gate: LoginGate;
  token: string;
  /** Which of the HSMs that hold the token's keys it is of. */
  member: string;
  /** While it is ready. */
  hostId: number | undefined;
  /** The host that finds in time what is asked of it. */
  preparedId: number | undefined;
  pid: number;
  /** Of the token, as it told when it became ready. */
  info: TokenInfo | undefined;
  /** When it passed its self-test last; ISO 8601. */
  provenAt: string | undefined;
  gauge: StarvationGauge | undefined;
  spared: number;
  /** Why it could not start, and how often in a row. */
  problem: TokenWords | undefined;
  failures: number;
  /** What is wrong with keys of our own, as it told last. */
  alarms: string[];
}

/** Whether it finds in time what is asked of it. */
export function isPrepared({ hostId, preparedId }: KeptHost): boolean {
  return hostId !== undefined && hostId === preparedId;
}

/** What a host is kept for. */
export interface HostSurroundings {
  /** Of its worker. */
  kind: string;
  index: number;
  log: Logger;
  onChange: () => void;
  onPinRefused: (member: LoadedMember, problem: string, remediation: string) => void;
  onOwnKeysMade?: ((made: OwnKeysMade) => void) | undefined;
  /** A host of the token has become ready. */
  started: (token: string) => void;
  tell: (message: ToWorker, handle?: Socket) => void;
  stopping: AbortSignal;
}

/** Keeps one token host of a worker running, and its worker told of it. */
export function keepHost(
  of: LoadedMember,
  settings: HostSettings,
  gate: LoginGate,
  { kind, index, log, onChange, onPinRefused, onOwnKeysMade, started, tell, stopping }: HostSurroundings,
): KeptHost {
  const { token, name: member } = of;
  // Where a token is one HSM, its name says it all.
  const named = of.title === token ? { token } : { token, member };
  const entry: KeptHost = {
    ...{ gate, token, member },
    hostId: undefined,
    preparedId: undefined,
    ...{ pid: 0, info: undefined, provenAt: undefined },
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
        entry.provenAt = wallClock().toISOString();
        entry.gauge = new StarvationGauge(pid);
        entry.spared = 0;
        entry.failures = 0;
        started(token);
        tell({ kind: 'host', token, member, id, pid, info, ownProofs, operationTime }, socket);
        const { serial, firmware } = info;
        // What the first one found is what all that come after have to find.
        settings.order.ownProofs = { [serial]: ownProofs, ...settings.order.ownProofs };
        takeAlarms(entry, alarms, named, log);
        if (noKeys !== undefined)
          log.error({ ...named, serial, ...noKeys }, 'no key can be made or rotated in this token');
        log.info({ ...named, tokenHost: pid, of: kind, worker: index, serial, firmware }, 'token host ready');
        onChange();
      },
      onOwnKeys: (alarms, proofs) => {
        if (proofs !== undefined) onOwnKeysMade?.({ token, serial: entry.info?.serial ?? '', proofs });
        takeAlarms(entry, alarms, named, log);
      },
      onGone: (id, why) => {
        entry.hostId = undefined;
        entry.gauge = undefined;
        tell({ kind: 'host-gone', token, id, pid: entry.pid });
        onChange();
        if (!stopping.aborted) log.warn({ ...named, why }, 'token host gone, starting another');
      },
      onFailed: (problem, remediation, pinRefused) => {
        log.error({ ...named, problem, remediation }, 'token host could not start');
        entry.problem = { problem, remediation };
        entry.failures++;
        if (pinRefused) onPinRefused(of, problem, remediation);
        onChange();
      },
    }),
  };
  return entry;
}

function takeAlarms(entry: KeptHost, alarms: string[], named: object, log: Logger): void {
  for (const problem of alarms.filter((alarm) => !entry.alarms.includes(alarm)))
    log.error(
      { ...named, problem, remediation: remediationOfOwnKeys },
      'a key of Holdfast’s own is not the one that was made: nothing is done with it',
    );
  if (alarms.length === 0 && entry.alarms.length > 0)
    log.warn(named, 'the keys of Holdfast’s own in the token are the right ones again');
  entry.alarms = alarms;
}
