import type { ServiceName } from './service.ts';

/**
 * Trouble on AWS's side of the API, for tests.
 * - `reset`: the connection is cut before anything is done
 * - `answer-lost`: the call is done, then the connection is cut
 * - `hang`: no answer until the client gives up
 * - `slow`: done after `delayMs`
 * - `500`, `throttle`, `denied`: refused under the service's own error name, nothing done
 * - `error`: refused as `error` says, nothing done
 */
export interface FaultRule {
  readonly service: ServiceName;
  /** `CreateKey`, or `*`. */
  readonly action: string;
  readonly kind: 'reset' | '500' | 'throttle' | 'denied' | 'error' | 'hang' | 'answer-lost' | 'slow';
  /** For `error`: AWS's code, the HTTP status and AWS's message. */
  readonly error?: { readonly code: string; readonly status?: number; readonly message?: string };
  /** From 0 to 1: which part of the calls it strikes, by chance. */
  readonly chance?: number;
  /** How many calls it strikes; without it every one. */
  readonly times?: number;
  /** How many calls it lets pass before. */
  readonly after?: number;
  /** For `slow`. */
  readonly delayMs?: number;
  /** For `slow`, in the place of a time: called once the request is there; with `isDone` once it is done. */
  readonly until?: () => Promise<void>;
  readonly isDone?: boolean;
  /** Strikes only calls signed with this access key. */
  readonly accessKeyId?: string;
  /** Strikes only the first try of a client that tries again by itself: the AWS SDKs say which try it is. */
  readonly firstTry?: boolean;
}

/** A rule with what it has done so far. */
export interface Armed {
  readonly id: number;
  readonly rule: FaultRule;
  passed: number;
  struck: number;
}

/** The fault rules in force. */
export class Faults {
  #armed: Armed[] = [];
  #count = 0;
  readonly #random: () => number;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Returns the undoing. */
  add(rule: FaultRule): () => void {
    const armed = { id: ++this.#count, rule, passed: 0, struck: 0 };
    // What strikes for certain goes before what strikes by chance.
    const at =
      rule.chance === undefined ? this.#armed.findIndex((other) => other.rule.chance !== undefined) : -1;
    this.#armed.splice(at < 0 ? this.#armed.length : at, 0, armed);
    return () => {
      this.#armed = this.#armed.filter((other) => other !== armed);
    };
  }

  list(): readonly Readonly<Armed>[] {
    return this.#armed;
  }

  /** False where there is none of this id. */
  remove(id: number): boolean {
    const before = this.#armed.length;
    this.#armed = this.#armed.filter((armed) => armed.id !== id);
    return this.#armed.length < before;
  }

  /** The first rule that strikes this call; counts it. */
  strike(call: {
    service: ServiceName;
    action: string;
    accessKeyId: string;
    /** The header amz-sdk-request. */
    tries?: string | undefined;
  }): FaultRule | undefined {
    for (const armed of this.#armed) {
      const { rule } = armed;
      if (rule.service !== call.service || (rule.action !== '*' && rule.action !== call.action)) continue;
      if (rule.accessKeyId !== undefined && rule.accessKeyId !== call.accessKeyId) continue;
      if (rule.firstTry === true && !isFirstOfSeveral(call.tries)) continue;
      if (armed.passed < (rule.after ?? 0)) {
        armed.passed += 1;
        continue;
      }
      if (rule.times !== undefined && armed.struck >= rule.times) continue;
      if (rule.chance !== undefined && this.#random() >= rule.chance) continue;
      armed.struck += 1;
      return rule;
    }
    return undefined;
  }
}

function isFirstOfSeveral(tries = ''): boolean {
  return /\battempt=1(?!\d)/.test(tries) && !/\bmax=1(?!\d)/.test(tries);
}
