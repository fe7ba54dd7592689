import { setTimeout as delay } from 'node:timers/promises';
import { AwsError } from '../aws/aws-error.ts';
import { aftermathOf, type Act } from '../../evidence/trail.ts';
import { StoreError } from '../../store/store-error.ts';
import { TokenError } from '../../token/faults.ts';
import { VaultError } from '../../vault/vault-error.ts';
import { reading } from './context.ts';
import { toProblem, type Problem } from './problem.ts';
import { over, write, type Writing, type Written } from './recording.ts';
import {
  Waiting,
  type AnyPlan,
  type Change,
  type Failure,
  type Moment,
  type Observed,
  type Pause,
  type Resource,
  type Step,
  type Turn,
  type WantedRow,
  type WantedTable,
} from './resource.ts';
import { nextTry } from './retry.ts';
import { BusyError, type Ownership } from './turn.ts';

/* The one loop for all that is wanted in AWS: look, compare, one step, record. */

/** More steps than anything has at once: one that gives the same step again and again is a mistake of ours. */
const maxSteps = 12;

/** Looks at what somebody changes at the same time. */
const maxLooks = 3;

const nothingAgainst: Pause = { problem: null, attempts: 0, until: null };

export interface Outcome<Row> {
  /** As it is now; undefined where it is gone. */
  row: Row | undefined;
  /** What stopped it; undefined where it went as far as it goes. */
  stopped?: Stopped;
}

export interface Stopped {
  /** What kind of failure it is, for lanes; undefined where it only waits. */
  fault: string | undefined;
  /** For whoever asked; undefined where it only waits. */
  error?: unknown;
  /** As it is on record; null where it waits for nothing that is told, and where nothing could be recorded. */
  problem: Problem | null;
  /** With a problem that is on record: what failed. */
  during?: Failure['during'];
}

export interface How {
  act: Act;
  by: Turn['by'];
  /** Pauses, milliseconds, after which what does not show yet is looked at again within this turn: somebody waits for it. */
  pauses?: readonly number[];
}

/** One turn's work on one thing. */
export class Run<T extends WantedTable, Row extends WantedRow<T>, Seen> {
  readonly #ownership: Ownership;
  readonly #resource: Resource<T, Row, Seen>;
  readonly #id: string;
  readonly #how: How;
  readonly #aftermath: Act;
  readonly #turn: Turn;
  /** The turn ends with the run. */
  readonly #ends: boolean;
  readonly #pauses: number[];
  #row: Row | undefined;
  #steps = 0;
  /** What was thrown and is no mistake to be recorded: who asked may no longer, or the failure before it is on record. */
  #passed: unknown;

  constructor(ownership: Ownership, resource: Resource<T, Row, Seen>, id: string, how: How, ends: boolean) {
    this.#ownership = ownership;
    this.#resource = resource;
    this.#id = id;
    this.#how = how;
    this.#aftermath = aftermathOf(how.act);
    this.#turn = { context: reading(ownership.context), by: how.by };
    this.#ends = ends;
    this.#pauses = [...(how.pauses ?? [])];
  }

  async advance(): Promise<Outcome<Row>> {
    return this.#told(async () => {
      for (; this.#steps < maxSteps; this.#steps++) {
        const ended = await this.#step();
        if (ended !== 'again') return ended;
      }
      const error = new Error(`what is wanted of the ${this.#resource.kind} has no end`);
      const ended =
        this.#row === undefined ? 'again' : await this.#failed(this.#row, error, { during: 'next' });
      return ended === 'again' ? { row: this.#row } : ended;
    });
  }

  async look(): Promise<Outcome<Row>> {
    return this.#told(async () => {
      for (let looks = 0; looks < maxLooks; looks++) {
        const looked = await this.#look({ mayEnd: this.#ends });
        if (!('ended' in looked)) return { row: looked.row };
        if (looked.ended !== 'again') return looked.ended;
      }
      return { row: this.#row };
    });
  }

  /**
   * What is not on record: a mistake of ours is put there; the rest cannot be recorded, since the turn was lost or the store
   * failed. Throws BusyError where there was no turn yet.
   */
  async #told(work: () => Promise<Outcome<Row>>): Promise<Outcome<Row>> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof BusyError) throw error;
      const row = this.#row;
      const ended = row === undefined ? undefined : await this.#mistaken(row, error);
      if (ended !== undefined) return ended;
      const fault = error instanceof VaultError ? error.problem : 'internal';
      return { row, stopped: { fault, error, problem: null } };
    }
  }

  /** Undefined where it is none, or nothing can be recorded. */
  async #mistaken(row: Row, error: unknown): Promise<Outcome<Row> | undefined> {
    if (error instanceof VaultError || error instanceof StoreError || error === this.#passed)
      return undefined;
    const failed = await attempt(async () => this.#failed(row, error, { during: 'next' }));
    return 'error' in failed || failed.answer === 'again' ? undefined : failed.answer;
  }

  async #step(): Promise<Ended<Row>> {
    const looked = await this.#look({});
    if ('ended' in looked) return looked.ended;
    const { row, seen } = looked;
    const next = await attempt(async () => this.#resource.next(this.#turn, row, seen, this.#moment()));
    if ('error' in next) return this.#failed(row, next.error, { during: 'next' });
    if (next.answer === undefined) return { row };
    if (next.answer instanceof Waiting) return this.#waits(row, next.answer);
    return this.#do(row, next.answer);
  }

  /** The record as it is, and what AWS shows, which is on record then. */
  async #look(how: Pick<Writing, 'mayEnd'>): Promise<Looked<Row, Seen>> {
    const row = await this.#read();
    if (row === undefined) return { ended: { row } };
    const observed = await attempt(async () => this.#resource.observe(this.#turn, row));
    if ('error' in observed) return { ended: await this.#failed(row, observed.error, { during: 'observe' }) };
    const mirrored = await this.#mirror(row, observed.answer, how);
    if (mirrored === undefined) return { ended: 'again' };
    return { row: mirrored, seen: observed.answer };
  }

  /** Undefined where the record is otherwise by now. */
  async #mirror(row: Row, seen: Observed<Seen>, how: Pick<Writing, 'mayEnd'> = {}): Promise<Row | undefined> {
    const plan = this.#resource.mirror(row, seen, this.#moment());
    if (plan === undefined) return row;
    const written = await this.#write(plan, { ...how, act: this.#aftermath, asRead: row });
    if (written.row !== undefined) this.#row = written.row;
    return written.row;
  }

  async #do(row: Row, step: Step<T, Row>): Promise<Ended<Row>> {
    const begun = await this.#begin(row, step);
    if ('ended' in begun) return begun.ended;
    const { sent } = begun;
    const note = async (change: Change<T>) =>
      void (await this.#write(() => ({ change }), { act: this.#aftermath, asRead: sent }));
    const called = await attempt(async () => step.call(note));
    if ('error' in called) return this.#lost(sent, called.error, step);
    if (called.answer instanceof Waiting) return this.#waits(sent, called.answer);
    return this.#done(sent, called.answer);
  }

  /** From here on the turn is ours, and what is about to be sent is on record. */
  async #begin(row: Row, step: Step<T, Row>): Promise<{ sent: Row } | { ended: Ended<Row> }> {
    const { before, changes } = step;
    if (before === undefined && (!changes || this.#ownership.isHeld)) return { sent: row };
    let isPlanned = false;
    const writing: Writing = {
      act: before === undefined ? this.#aftermath : this.#how.act,
      hold: changes,
      asRead: row,
      onPlan: () => (isPlanned = true),
    };
    try {
      const { row: sent } = await this.#write(before ?? (() => ({})), writing);
      if (sent === undefined) return { ended: 'again' };
      this.#row = sent;
      return { sent };
    } catch (error) {
      // A refusal of ours of what belongs to it; not that who asked may no longer.
      if (!isPlanned) this.#passed = error;
      if (!isPlanned || !(error instanceof VaultError || error instanceof TokenError)) throw error;
      return { ended: await this.#failed(row, error, { during: 'next', step }) };
    }
  }

  async #done(sent: Row, plan: AnyPlan<T, Row>): Promise<Ended<Row>> {
    const { row, again } = await this.#write(this.#cleared(plan), {
      act: this.#aftermath,
      asRead: sent,
      mayEnd: this.#ends,
    });
    if (row !== undefined) {
      this.#row = row;
      return again ? 'again' : { row };
    }
    // Gone with it; or it is otherwise by now, and what is wanted begins with that.
    return (await this.#read()) === undefined ? { row: undefined } : 'again';
  }

  /** A step that succeeded leaves nothing of the failures before it. */
  #cleared(plan: AnyPlan<T, Row>): AnyPlan<T, Row> {
    return over(plan, (now, recorded) =>
      recorded === undefined || recorded.keepsPause === true
        ? recorded
        : { ...recorded, change: { ...this.#resource.paused(now, nothingAgainst), ...recorded.change } },
    );
  }

  /** A request that failed. What it made, though its answer was lost, may show at once. */
  async #lost(sent: Row, error: unknown, step: Step<T, Row>): Promise<Ended<Row>> {
    const looks = step.looksAfterLoss === true && error instanceof AwsError && !error.certain;
    const failed = await this.#failed(sent, error, { during: 'call', step, mayEnd: this.#ends && !looks });
    if (!looks) return failed;
    const row = await this.#read();
    if (row === undefined) return failed;
    // As one who can wait: it is not sent again at once.
    const turn: Turn = { ...this.#turn, by: 'watch' };
    const found = await attempt(async () => {
      const seen = await this.#resource.observe(turn, row);
      const now = await this.#mirror(row, seen);
      if (now === undefined) return undefined;
      const next = await this.#resource.next(turn, now, seen, { ...this.#moment(), by: 'watch' });
      return next === undefined || next instanceof Waiting || next.changes ? undefined : { now, next };
    });
    if ('error' in found) {
      if (found.error instanceof AwsError) return failed;
      this.#passed = found.error;
      throw found.error;
    }
    return found.answer === undefined ? failed : this.#do(found.answer.now, found.answer.next);
  }

  async #failed(
    row: Row,
    thrown: unknown,
    { during, step, mayEnd = this.#ends }: Failing<T, Row>,
  ): Promise<Ended<Row>> {
    const resource = this.#resource;
    const at = this.#moment();
    const error = resource.told === undefined ? thrown : await resource.told(this.#turn, row, thrown, at);
    if (error instanceof Waiting) return this.#waits(row, error);
    const failure = failureOf(resource, row, error, { during, step, now: at.now });
    const { problem } = failure;
    const until = nextTry(problem.fault, problem.times, at.now).toISOString();
    const also = step?.failed?.(failure) ?? resource.failed?.(failure);
    const isOn = await this.#pause(row, { problem, attempts: problem.times, until }, { also, mayEnd });
    return isOn ? { row: this.#row, stopped: { fault: problem.fault, error, problem, during } } : 'again';
  }

  /** It waits: for so long as somebody waits for it, in this turn. */
  async #waits(row: Row, waiting: Waiting): Promise<Ended<Row>> {
    const { problem, until } = waiting;
    const brief = until === 'settling' ? this.#pauses.shift() : undefined;
    if (brief !== undefined) {
      await delay(brief);
      this.#steps--;
      return 'again';
    }
    const { now } = this.#moment();
    const before = this.#resource.pauseOf(row);
    const isSame = before.problem?.fault === problem?.fault;
    const counted = isSame ? before.attempts + 1 : 1;
    const attempts = { counted, kept: before.attempts, none: 0 }[waiting.attempts];
    const at = typeof until === 'string' ? nextTry(until, attempts, now) : until;
    const isOn = await this.#pause(row, { problem, attempts, until: at?.toISOString() ?? null });
    return isOn ? { row: this.#row, stopped: { fault: undefined, problem } } : 'again';
  }

  /**
   * The pause, unless somebody has asked for something meanwhile, which is tried at once; what goes with a failure anyway.
   * False where the record is gone, or, without a lease, otherwise by now: what failed may be done by another.
   */
  async #pause(
    row: Row,
    pause: Pause,
    {
      also = () => undefined,
      mayEnd = this.#ends,
    }: { also?: AnyPlan<T, Row> | undefined; mayEnd?: boolean } = {},
  ): Promise<boolean> {
    const resource = this.#resource;
    const { until } = resource.pauseOf(row);
    const plan = over(also, (now, recorded) => {
      const isAsked = resource.pauseOf(now).until !== until;
      const change = { ...(isAsked ? {} : resource.paused(now, pause)), ...recorded?.change };
      return { ...recorded, change, again: false };
    });
    const written = await this.#write(plan, { act: this.#aftermath, asRead: row, mayEnd });
    this.#row = written.row;
    return written.row !== undefined;
  }

  async #read(): Promise<Row | undefined> {
    this.#row = await this.#resource.read(this.#ownership.context.store.db, this.#id);
    return this.#row;
  }

  async #write(plan: AnyPlan<T, Row>, writing: Writing): Promise<Written<Row>> {
    return write(this.#ownership, this.#resource, this.#id, plan, writing);
  }

  #moment(): Moment {
    return { now: this.#ownership.context.now(), by: this.#how.by };
  }
}

/** A turn's end, or that it is begun anew with the record as it is. */
type Ended<Row> = Outcome<Row> | 'again';

type Looked<Row, Seen> = { row: Row; seen: Observed<Seen> } | { ended: Ended<Row> };

interface Failing<T extends WantedTable, Row> {
  during: Failure['during'];
  step?: Step<T, Row> | undefined;
  mayEnd?: boolean;
}

/** The failure as its record is to show it. */
function failureOf<T extends WantedTable, Row extends WantedRow<T>, Seen>(
  resource: Resource<T, Row, Seen>,
  row: Row,
  error: unknown,
  { during, step, now }: Failing<T, Row> & { now: Date },
): Failure {
  const operation = during === 'observe' ? resource.lookOperation(row) : resource.nextOperation?.(row);
  const told = toProblem(error, step?.operation ?? operation ?? '', now, resource.words);
  const { problem: before, attempts } = resource.pauseOf(row);
  const isSame = resource.isSame?.(before, told) ?? before?.fault === told.fault;
  const problem: Problem = { ...told, times: isSame ? attempts + 1 : 1 };
  return { error, problem, isNew: before?.code !== told.code, during, now };
}

type Attempted<R> = { answer: R } | { error: unknown };

async function attempt<R>(work: () => R | Promise<R>): Promise<Attempted<R>> {
  try {
    return { answer: await work() };
  } catch (error) {
    return { error };
  }
}
