import type { HostKeeper } from '../token/keeper/host-keeper.ts';
import type { TokenInfo } from '../token/token-info.ts';
import type { StarvationGauge } from '../watchdog.ts';

/** A token host of a worker's, with what its worker's supervisor knows of it. */
export interface KeptHost {
  keeper: HostKeeper;
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
  gauge: StarvationGauge | undefined;
  spared: number;
  /** Why it could not start, and how often in a row. */
  problem: string | undefined;
  failures: number;
  /** What is wrong with keys of our own, as it told last. */
  alarms: string[];
}

/** Whether it finds in time what is asked of it. */
export function isPrepared({ hostId, preparedId }: KeptHost): boolean {
  return hostId !== undefined && hostId === preparedId;
}
