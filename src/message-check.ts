/*
 * What another process says is parsed before it is believed: one that faces the network, or that a vendor's module runs in,
 * may say anything. What comes out is made anew of the fields that were asked for, and holds on to nothing else.
 */

/** Gives the value as what it is, or throws {@link MisfitError}. */
export type Check<T> = (value: unknown, at: string) => T;

/** What was said is not what may be said. The message names the place, never what was there. */
export class MisfitError extends Error {
  override readonly name = 'MisfitError';
}

export function parseMessage<T>(check: Check<T>, value: unknown): T {
  return check(value, 'message');
}

export function textOf(max: number, pattern = /^/): Check<string> {
  return (value, at) => {
    if (typeof value === 'string' && value.length <= max && pattern.test(value)) return value;
    throw new MisfitError(`${at} is no such text`);
  };
}

/** A whole number that a double holds exactly. */
export function wholeFrom(min: number, max = Number.MAX_SAFE_INTEGER): Check<number> {
  return (value, at) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max)
      return value;
    throw new MisfitError(`${at} is no such number`);
  };
}

export const duration: Check<number> = (value, at) => {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw new MisfitError(`${at} is no duration`);
};

export const flag: Check<boolean> = (value, at) => {
  if (typeof value === 'boolean') return value;
  throw new MisfitError(`${at} is neither true nor false`);
};

export function oneOf<const T extends string>(values: readonly T[]): Check<T> {
  return (value, at) => {
    const found = values.find((one) => one === value);
    if (found !== undefined) return found;
    throw new MisfitError(`${at} is none of its values`);
  };
}

export function nullOr<T>(check: Check<T>): Check<T | null> {
  return (value, at) => (value === null ? null : check(value, at));
}

export function optional<T>(check: Check<T>): Check<T | undefined> {
  return (value, at) => (value === undefined ? undefined : check(value, at));
}

export function listOf<T>(check: Check<T>, max: number): Check<T[]> {
  return (value, at) => {
    if (!Array.isArray(value) || value.length > max) throw new MisfitError(`${at} is no such list`);
    return value.map((one: unknown, index) => check(one, `${at}[${index}]`));
  };
}

/** Values by names that are told, as labels are. */
export function recordOf<T>(check: Check<T>, max: number): Check<Record<string, T>> {
  return (value, at) => {
    const entries = Object.entries(fieldsOf(value, at));
    if (entries.length > max) throw new MisfitError(`${at} has too many entries`);
    return Object.fromEntries(entries.map(([name, one]) => [name, check(one, `a value of ${at}`)]));
  };
}

/** Fields of other names are left out. */
export function record<T extends object>(fields: { readonly [K in keyof T]-?: Check<T[K]> }): Check<T> {
  const checks = Object.entries(fields) as [string, Check<unknown>][];
  return (value, at) => {
    const told = fieldsOf(value, at);
    const parsed: [string, unknown][] = [];
    for (const [name, check] of checks) {
      const one = check(Object.hasOwn(told, name) ? told[name] : undefined, `${at}.${name}`);
      if (one !== undefined) parsed.push([name, one]);
    }
    return Object.fromEntries(parsed) as T;
  };
}

/** One of several records, told apart by the field `tag`. */
export function variant<Tag extends string, T extends Record<Tag, string>>(
  tag: Tag,
  checks: { readonly [K in T[Tag]]: Check<Omit<Extract<T, Record<Tag, K>>, Tag>> },
): Check<T> {
  return (value, at) => {
    const name = fieldsOf(value, at)[tag];
    if (typeof name !== 'string' || !Object.hasOwn(checks, name))
      throw new MisfitError(`${at}.${tag} is none of its values`);
    const check = checks[name as T[Tag]] as Check<object>;
    return { [tag]: name, ...check(value, at) } as T;
  };
}

function fieldsOf(value: unknown, at: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new MisfitError(`${at} is no record`);
}
