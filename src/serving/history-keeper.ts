import type { LoadedConfig } from '../config/load.ts';
import type { Logger } from '../log.ts';
import { keptHistoryFile, readKeptHistory, unreadOf } from '../store/kept-history-file.ts';
import { remediationOfUnkept } from '../store/kept-histories.ts';
import { parseTaken } from '../store/taken.ts';
import type { FollowedHistory, ToldHistory } from './known-history.ts';

/** Without anybody asking it is looked so often, and again so soon after a failure, milliseconds. */
const lookEvery = 10_000;
const againAfter = 500;
/** So many lost changes are named in a line of the log; `holdfast lost-change list` has all. */
const maxNamed = 20;

const remediationOfUnread =
  'if the store is as it was, nothing. Otherwise stop the node, have its user read the file, put it back in its place, and start the node ' +
  '(docs/fleet.md)';

export interface HistoryKeeperOptions {
  writer: { follow: () => Promise<FollowedHistory> };
  /** What was kept by the last start of the node. */
  begin: Omit<ToldHistory, 'asked'>;
  log: Logger;
  tellWorkers: (message: ToldHistory) => void;
}

/**
 * Has the node keep the store's history beside the store, and tells its workers what is kept and what the store has lost. Workers ask for a
 * look whenever they find the store changed, and confirm no change that is not kept yet.
 */
export class HistoryKeeper {
  readonly #options: HistoryKeeperOptions;
  #last: Omit<ToldHistory, 'asked'>;
  /** Those who wait for a look that begins after they have asked. */
  #asking: (() => void)[] = [];
  #looking = false;
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  /** Of which the log has told. */
  #problem = '';
  #unkept = '';
  #loss = '';

  constructor(options: HistoryKeeperOptions) {
    this.#options = options;
    this.#last = options.begin;
  }

  /** What a worker is told at its start. */
  get last(): Omit<ToldHistory, 'asked'> {
    return this.#last;
  }

  /** Answers the ask `asked` of a worker, by a look that begins after it. */
  ask(asked: number, reply: (message: ToldHistory) => void): void {
    this.#asking.push(() => reply({ asked, ...this.#last }));
    this.look();
  }

  /** At once, or once the look that is under way has ended. */
  look(): void {
    if (this.#stopped) return;
    if (this.#looking) this.#again = true;
    else void this.#look();
  }

  /** The node ends: what was changed until now is kept. Never rejects. */
  async end(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#options.writer.follow().catch(() => undefined);
  }

  async #look(): Promise<void> {
    this.#looking = true;
    clearTimeout(this.#timer);
    const asking = this.#asking.splice(0);
    let pause = lookEvery;
    try {
      const found = await this.#options.writer.follow();
      this.#tell(found);
      if (!found.isTold) pause = againAfter;
      const isNew = JSON.stringify(found.lost) !== JSON.stringify(this.#last.lost);
      this.#last = { at: found.at, lost: found.lost };
      if (isNew) this.#options.tellWorkers({ asked: 0, ...this.#last });
      for (const answer of asking) answer();
    } catch (error) {
      this.#asking.unshift(...asking);
      pause = againAfter;
      this.#tellProblem((error as Error).message);
    }
    this.#looking = false;
    if (this.#stopped) return;
    if (this.#again) {
      this.#again = false;
      return void this.#look();
    }
    this.#timer = setTimeout(() => this.look(), pause).unref();
  }

  #tell({ wentBack, otherStore, lost, problem = '', unkept = '' }: FollowedHistory): void {
    if (otherStore !== undefined)
      this.#options.log.warn(
        otherStore,
        'the store is another one than this node has worked with: what it knew of the other is put aside in the file that is named, and counts ' +
          'again once the node is pointed at that one (docs/fleet.md)',
      );
    const loss = wentBack === undefined ? '' : JSON.stringify(wentBack.known);
    if (wentBack !== undefined && loss !== this.#loss)
      this.#options.log.error(
        {
          ...{ ...wentBack, lost: lost.length },
          named: lost
            .slice(0, maxNamed)
            .map(({ kind, name, taken }) => ({ kind, name, taken: parseTaken(taken) })),
        },
        'the store has gone back in time and lost changes that this node had seen: what they took away stays so, and nothing else is ' +
          'changed until somebody has decided on them: holdfast lost-change list (docs/fleet.md)',
      );
    this.#loss = loss;
    this.#tellProblem(problem);
    if (unkept !== this.#unkept && unkept !== '')
      this.#options.log.error(
        { problem: unkept, remediation: remediationOfUnkept },
        'what this node knows of the store’s history is not on its disk: it is gone by as long as the node runs, and after a restart a ' +
          'store that has gone back in time is not noticed by it',
      );
    else if (unkept !== this.#unkept) this.#options.log.info('the store’s history is kept on the disk again');
    this.#unkept = unkept;
  }

  /** Once for each that is another than before. */
  #tellProblem(problem: string): void {
    if (problem !== this.#problem && problem !== '')
      this.#options.log.warn(
        { problem, remediation: 'see that the node reaches its store: holdfast doctor' },
        'the store’s history is not kept up',
      );
    this.#problem = problem;
  }
}

/** That of a node: it begins with what was kept by the last start. */
export function historyOf(
  { node }: LoadedConfig,
  writer: { follow: () => Promise<FollowedHistory> },
  log: Logger,
  tellWorkers: HistoryKeeperOptions['tellWorkers'],
): HistoryKeeper {
  const file = keptHistoryFile(node.state_directory);
  const { kept, problem } = readKeptHistory(file);
  if (problem !== undefined)
    log.error(
      { file, problem, putAside: unreadOf(file), remediation: remediationOfUnread },
      'what this node knew of the store’s history cannot be read, and is put aside: a store that has gone back in time since is not ' +
        'noticed by it',
    );
  return new HistoryKeeper({ writer, begin: { at: kept.at, lost: kept.lost }, log, tellWorkers });
}
