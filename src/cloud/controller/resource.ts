import type { Selectable } from 'kysely';
import type { Act, AuditEntry } from '../../evidence/trail.ts';
import type { Gone } from '../aws/presence.ts';
import type { Tables } from '../../store/schema.ts';
import type { ActTransaction, ChangeTransaction } from '../../store/store.ts';
import type { Edit, Reading } from '../../vault/edits.ts';
import type { ReadingAwsContext } from './context.ts';
import type { Problem, ProblemWords } from './problem.ts';
import type { Turns } from './turn.ts';

/*
 * What is wanted in AWS, of whatever kind: it is observed, compared with what is wanted, brought nearer by one request, and
 * the outcome is recorded. A resource says how that is for one kind of thing; the loop, the turns, the pauses after failures
 * and every write are the controller's (controller.ts). What calls AWS has nothing that writes (a Turn has no store), and what
 * plans a write has nothing that calls AWS: so no write comes between a request and what is recorded of it.
 */

export type WantedTable = 'external_key_stores' | 'kms_keys' | 'csp_accounts';
export type Columns<T extends WantedTable> = Selectable<Tables[T]>;
/** A record, which may have more than its columns. */
export type WantedRow<T extends WantedTable> = Columns<T> & { row_version: number };
/** What changes of the record. Row version and times are the controller's. */
export type Change<T extends WantedTable> = Edit<
  Omit<Columns<T>, 'id' | 'vault_id' | 'row_version' | 'created_at' | 'updated_at'>
>;

/** What one look or one request may use: tokens, AWS's clients, what can be read. Nothing can be written through it. */
export interface Turn {
  context: ReadingAwsContext;
  /** Somebody waits for it now; or what was asked for earlier is gone on with. */
  by: 'operator' | 'watch';
}

/** One kind of thing that is wanted in AWS. Row: its record. Seen: what AWS shows of it. */
export interface Resource<T extends WantedTable, Row extends WantedRow<T>, Seen> extends Turns {
  table: T;
  /** The operation of the problem of a failed look, where the error has none. */
  lookOperation(row: Row): string;
  /** That of a failure of `next`, where the error has none: '' unless told. */
  nextOperation?(row: Row): string;
  /** Undefined where it is gone, or given up. */
  read(db: Reading, id: string): Promise<Row | undefined>;
  /** What AWS shows of it. Throws what stands against it: that is recorded as the problem (`told`, `failed`). */
  observe(turn: Turn, row: Row): Promise<Observed<Seen>>;
  /** What the look changes of the record. Undefined: nothing; then there is no transaction. */
  mirror(row: Row, seen: Observed<Seen>, at: Moment): AnyPlan<T, Row> | undefined;
  /**
   * The ONE next step, by the record and what AWS shows; undefined where nothing is to be done. May read, and have the token
   * make and seal a secret. Throws VaultError for a refusal of ours.
   */
  next(turn: Turn, row: Row, seen: Observed<Seen>, at: Moment): Next<T, Row> | Promise<Next<T, Row>>;
  /** How a pause stands in the record, and what it makes of it. */
  pauseOf(row: Row): Pause;
  paused(row: Row, pause: Pause): Change<T>;
  /** What an error means here: `settling` for what is not shown yet, other words; or a Waiting. */
  told?(turn: Turn, row: Row, error: unknown, at: Moment): unknown;
  /**
   * What goes with every failure that a step has no `failed` of its own for, in the same write as the problem: audit entries,
   * what is wanted instead. Its `change` is laid over the pause.
   */
  failed?(failure: Failure): AnyPlan<T, Row> | undefined;
  /** Whether it failed of the same as before, so that pauses grow. Default: of the same fault. */
  isSame?(before: Problem | null, problem: Problem): boolean;
  words: Turns['words'] & ProblemWords;
}

export interface Moment {
  now: Date;
  by: Turn['by'];
}

/** `unasked`: AWS is not asked at all (by hand), or not for this step. `unshown`: it does not show yet what it has. */
export type Observed<Seen> =
  { kind: 'seen'; seen: Seen } | { kind: 'gone'; gone: Gone } | { kind: 'unshown' } | { kind: 'unasked' };

export type Next<T extends WantedTable, Row> = Step<T, Row> | Waiting | undefined;

/** One request, or none, with what is recorded before and after it. */
export interface Step<T extends WantedTable, Row> {
  /** AWS's operation, for the problem where the error has none. */
  operation: string;
  /**
   * Whether it has anything changed in AWS. One that only reads, or sends nothing, needs no lease before, and is done also
   * for the look after a lost answer.
   */
  changes: boolean;
  /**
   * Recorded before the request: that it is sent, and with what. Undefined where the request may be repeated. A plan that
   * answers undefined: somebody wants otherwise, it is begun anew. Under the authority of who asked.
   */
  before?: AnyPlan<T, Row>;
  /** The request. Answers what is to be recorded of it; or that it has to be waited for. `note`: how far it is, in notes. */
  call(note: (change: Change<T>) => Promise<void>): Promise<AnyPlan<T, Row> | Waiting>;
  /** What goes with its failure, in the same write as the problem. */
  failed?(failure: Failure): AnyPlan<T, Row> | undefined;
  /** After a lost answer it is looked at once more, and what sends nothing is done: what was made is found at once. */
  looksAfterLoss?: boolean;
}

/** Over the row AS IT IS in the transaction, since somebody may have changed what they want. Undefined: nothing is written. */
export type Plan<T extends WantedTable, Row> = (now: Row) => Recorded<T> | undefined;
/** One that changes what XKS workers serve by (credentials): they hear of it. */
export interface ServedPlan<T extends WantedTable, Row> {
  served: (now: Row) => ServedRecorded<T> | undefined;
}
export type AnyPlan<T extends WantedTable, Row> = Plan<T, Row> | ServedPlan<T, Row>;

interface RecordedIn<T extends WantedTable, Trx> {
  change?: Change<T>;
  entries?: readonly AuditEntry[];
  /** What else belongs to it; it may delete the record itself. */
  also?: (trx: Trx, act: Act) => Promise<void>;
  /** `new`: another row version whatever changes; else only where other columns than notes do (edit-record.ts). */
  version?: 'new';
  /** After a step: another may follow in this turn. */
  again?: boolean;
  /** After a step: the pause stays as it is. Otherwise nothing of the failures before a step that succeeded is left. */
  keepsPause?: boolean;
}
export type Recorded<T extends WantedTable> = RecordedIn<T, ActTransaction>;
export type ServedRecorded<T extends WantedTable> = RecordedIn<T, ChangeTransaction>;

/** Nothing went wrong, but it has to be waited for. */
export class Waiting {
  /** What it waits for, as the record shows it. */
  readonly problem: Problem | null;
  /** When it is looked at again: a time, or as after failures of this kind (retry.ts); null: it is due by something else. */
  readonly until: Date | string | null;
  /** Pauses grow with how often it has waited in a row; `kept` or `none` where they do not. */
  readonly attempts: 'counted' | 'kept' | 'none';
  constructor(
    problem: Problem | null,
    until: Date | string | null,
    attempts: 'counted' | 'kept' | 'none' = 'counted',
  ) {
    this.problem = problem;
    this.until = until;
    this.attempts = attempts;
  }
}

/** How a record stands after failures. */
export interface Pause {
  problem: Problem | null;
  /** In a row. */
  attempts: number;
  /** ISO 8601. */
  until: string | null;
}

export interface Failure {
  /** As `told` has it. */
  error: unknown;
  problem: Problem;
  /** Of another code than the problem before. */
  isNew: boolean;
  during: 'observe' | 'next' | 'call';
  now: Date;
}
