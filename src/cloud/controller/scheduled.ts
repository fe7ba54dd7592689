import { monotonicNow } from '../../clock.ts';
import type { Logger } from '../../log.ts';
import type { LoggedAwsContext } from './context.ts';
import { AwsLanes, type LaneOptions } from './lanes.ts';
import { isBusy } from './turn.ts';

/* What is done in AWS without anybody waiting for it: of each kind, what is due, and how one of them is tried. */

export interface Due {
  id: string;
  /** What shares AWS's patience: an account, or an account and Region. */
  lane: string;
  /** Those of another kind are in lanes of their own. */
  kind?: string;
}

/** What a try came to. */
export interface Tried {
  /** What stopped it; undefined where it went as far as it goes. */
  fault: string | undefined;
  /** False where what the work is for is not done yet, and it is not counted. */
  isDone?: boolean;
}

export interface ScheduledWork {
  /** As logs and lanes name it. */
  name: string;
  /** The kind of its turns: what this process is at already is left alone. */
  turns: string;
  /** What is due now, the longest first. */
  due(context: LoggedAwsContext): Promise<readonly Due[]>;
  /** When the next one is; none where the longest pause between two looks is soon enough. */
  nextDue?(context: LoggedAwsContext): Promise<Date | undefined>;
  /** Never throws. What stands in no record the log is told. */
  attempt(context: LoggedAwsContext, id: string): Promise<Tried>;
  /** How fast it goes in a lane: one after another unless told. */
  lane?(kind: string | undefined): LanePace;
  /** For what the log has of all that failed in one look, besides what records and `attempt` tell. */
  tellFailed?(log: Logger, failed: number): void;
  /** Once some are done, what waits for them is due. */
  isAwaited?: boolean;
}

export interface LanePace extends Pick<LaneOptions, 'pace' | 'concurrency'> {
  /** So many of a lane wait for their turn; what comes to be due meanwhile, and was asked for before, goes before the rest. */
  maxWaiting?: number;
}

export interface DueRun {
  /** Those that were tried; of these, what was done. */
  tried: number;
  done: number;
  failed: number;
  /** There is more that is due and can be tried at once. */
  more: boolean;
}

export interface DueOptions {
  lanes?: AwsLanes;
  /** Most milliseconds until the last is begun. */
  budget?: number;
  mayGoOn?: () => Promise<boolean>;
  /** Is told how long it took to find what is due, milliseconds. */
  onFound?: (took: number) => void;
}

/** Tries what is due, lane by lane. Throws where it could not be found. */
export async function runDue(
  work: ScheduledWork,
  context: LoggedAwsContext,
  { lanes = new AwsLanes(), budget = Infinity, mayGoOn = async () => true, onFound }: DueOptions = {},
): Promise<DueRun> {
  const began = monotonicNow();
  const due = await work.due(context);
  onFound?.(monotonicNow() - began);
  const run: DueRun = { tried: 0, done: 0, failed: 0, more: false };
  const attempt = async (id: string): Promise<Tried> => {
    const tried = await work.attempt(context, id);
    if (tried.isDone !== false) run.done++;
    return tried;
  };
  // What somebody asked for is under way already.
  const free = due.filter(({ id }) => !isBusy(context, work.turns, id));
  // None of the kinds waits for another.
  await Promise.all(
    [...Map.groupBy(free, ({ kind }) => kind)].map(async ([kind, those]) => {
      const what = kind === undefined ? work.name : `${work.name}, ${kind}`;
      const { maxWaiting = Infinity, ...pace } = work.lane?.(kind) ?? {};
      const first = [...Map.groupBy(those, ({ lane }) => lane)].flatMap(([lane, all]) =>
        all.slice(0, Math.max(maxWaiting - lanes.waiting(what, lane), 0)),
      );
      const tasks = first.map(({ id, lane }) => ({ id, lane, run: async () => attempt(id) }));
      const { tried, failed, more } = await lanes.run(tasks, { ...pace, what, budget, mayGoOn });
      run.tried += tried;
      run.failed += failed;
      if (more || first.length < those.length) run.more = true;
    }),
  );
  if (work.isAwaited === true && run.tried > 0) run.more = true;
  return run;
}
