import type { ServiceName } from './service.ts';

/**
 * Trouble on AWS's side of the API, for tests.
 * - `reset`: the connection is cut before anything is done
 * - `answer-lost`: the call is done, then the connection is cut
 * - `hang`: no answer until the client gives up
 * - `slow`: done after `delayMs`
 * - `500`, `throttle`, `denied`: refused under the service's own error name, nothing done
 */
export interface FaultRule {
  readonly service: ServiceName;
  /** `CreateKey`, or `*`. */
  readonly action: string;
  readonly kind: 'reset' | '500' | 'throttle' | 'denied' | 'hang' | 'answer-lost' | 'slow';
  /** How many calls it strikes; without it every one. */
  readonly times?: number;
  /** How many calls it lets pass before. */
  readonly after?: number;
  /** For `slow`. */
  readonly delayMs?: number;
  /** Strikes only calls signed with this access key. */
  readonly accessKeyId?: string;
}

interface Armed {
  readonly rule: FaultRule;
  passed: number;
  struck: number;
}

/** The fault rules in force. */
export class Faults {
  #armed: Armed[] = [];

  /** Returns the undoing. */
  add(rule: FaultRule): () => void {
    const armed = { rule, passed: 0, struck: 0 };
    this.#armed.push(armed);
    return () => {
      this.#armed = this.#armed.filter((other) => other !== armed);
    };
  }

  /** The first rule that strikes this call; counts it. */
  strike(call: { service: ServiceName; action: string; accessKeyId: string }): FaultRule | undefined {
    for (const armed of this.#armed) {
      const { rule } = armed;
      if (rule.service !== call.service || (rule.action !== '*' && rule.action !== call.action)) continue;
      if (rule.accessKeyId !== undefined && rule.accessKeyId !== call.accessKeyId) continue;
      if (armed.passed < (rule.after ?? 0)) {
        armed.passed += 1;
        continue;
      }
      if (rule.times !== undefined && armed.struck >= rule.times) continue;
      armed.struck += 1;
      return rule;
    }
    return undefined;
  }
}
