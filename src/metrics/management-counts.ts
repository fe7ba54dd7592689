import { emptyDistribution, observe, type Distribution } from './latency.ts';

/** What became of attempts to sign in. */
export const signInOutcomes = ['accepted', 'refused', 'throttled', 'failed'] as const;

/** Counts the requests of the management API. */
export class ManagementCounts {
  readonly durations: Distribution = emptyDistribution();
  /** How long acts that take something away waited to be in force, and how many of them were still waiting when they were answered. */
  readonly inForce = { waits: emptyDistribution(), unconfirmed: 0 };
  /** Acts of which nobody could be told that they are done for good. */
  readonly uncertain = { 'not-certain': 0, 'in-doubt': 0 };
  readonly #requests = new Map<string, { operation: string; status: number; count: number }>();
  readonly signIns: Record<(typeof signInOutcomes)[number], number> = {
    accepted: 0,
    refused: 0,
    throttled: 0,
    failed: 0,
  };

  /** `operation` is that of OpenAPI; of what is none nobody chooses the name. */
  add(operation: string | undefined, status: number, milliseconds: number, isSignIn: boolean): void {
    observe(this.durations, milliseconds);
    const name = `${operation ?? ''} ${status}`;
    const known = this.#requests.get(name) ?? { operation: operation ?? '', status, count: 0 };
    known.count++;
    this.#requests.set(name, known);
    if (isSignIn) this.signIns[outcomeOf(status)]++;
  }

  waited(milliseconds: number, confirmed: boolean): void {
    observe(this.inForce.waits, milliseconds);
    if (!confirmed) this.inForce.unconfirmed++;
  }

  get requests(): readonly { operation: string; status: number; count: number }[] {
    return [...this.#requests.values()];
  }
}

function outcomeOf(status: number): (typeof signInOutcomes)[number] {
  if (status < 400) return 'accepted';
  if (status === 429) return 'throttled';
  return status < 500 ? 'refused' : 'failed';
}
