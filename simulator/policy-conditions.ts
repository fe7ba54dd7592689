import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { fillVariables, matches, plain, type ConditionContext } from './policy-match.ts';

export interface Condition {
  readonly operator: Operator;
  readonly key: string;
  readonly values: readonly string[];
}

export interface Operator {
  /** Without prefix and suffix: `StringEquals`. */
  readonly name: string;
  readonly set: 'any' | 'all' | undefined;
  readonly ifExists: boolean;
}

type Test = (wanted: string, given: string) => boolean;

const number = (test: (a: number, b: number) => boolean): Test => {
  return (wanted, given) => {
    const [a, b] = [Number(plain(wanted)), Number(given)];
    return Number.isFinite(a) && Number.isFinite(b) && test(b, a);
  };
};

const date = (test: (a: number, b: number) => boolean): Test => {
  const read = (text: string): number => (/^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text));
  return (wanted, given) => {
    const [a, b] = [read(plain(wanted)), read(given)];
    return !Number.isNaN(a) && !Number.isNaN(b) && test(b, a);
  };
};

/** `negative`: holds when none of the values fits, and when the key is not in the request. */
const TESTS: Record<string, { test: Test; negative?: boolean }> = {
  StringEquals: { test: (wanted, given) => plain(wanted) === given },
  StringNotEquals: { test: (wanted, given) => plain(wanted) === given, negative: true },
  StringEqualsIgnoreCase: { test: (wanted, given) => plain(wanted).toLowerCase() === given.toLowerCase() },
  StringNotEqualsIgnoreCase: {
    test: (wanted, given) => plain(wanted).toLowerCase() === given.toLowerCase(),
    negative: true,
  },
  StringLike: { test: matches },
  StringNotLike: { test: matches, negative: true },
  ArnEquals: { test: arnMatches },
  ArnLike: { test: arnMatches },
  ArnNotEquals: { test: arnMatches, negative: true },
  ArnNotLike: { test: arnMatches, negative: true },
  Bool: { test: (wanted, given) => plain(wanted).toLowerCase() === given.toLowerCase() },
  BinaryEquals: { test: (wanted, given) => plain(wanted) === given },
  NumericEquals: { test: number((a, b) => a === b) },
  NumericNotEquals: { test: number((a, b) => a === b), negative: true },
  NumericLessThan: { test: number((a, b) => a < b) },
  NumericLessThanEquals: { test: number((a, b) => a <= b) },
  NumericGreaterThan: { test: number((a, b) => a > b) },
  NumericGreaterThanEquals: { test: number((a, b) => a >= b) },
  DateEquals: { test: date((a, b) => a === b) },
  DateNotEquals: { test: date((a, b) => a === b), negative: true },
  DateLessThan: { test: date((a, b) => a < b) },
  DateLessThanEquals: { test: date((a, b) => a <= b) },
  DateGreaterThan: { test: date((a, b) => a > b) },
  DateGreaterThanEquals: { test: date((a, b) => a >= b) },
  IpAddress: { test: inRange },
  NotIpAddress: { test: inRange, negative: true },
};

/** Undefined for an operator that AWS does not have. */
export function parseOperator(text: string): Operator | undefined {
  const match = /^(?:(ForAnyValue|ForAllValues):)?([A-Za-z]+?)(IfExists)?$/.exec(text);
  const name = match?.[2] ?? '';
  if (match === null || (name !== 'Null' && !Object.hasOwn(TESTS, name))) return undefined;
  if (name === 'Null' && match[3] !== undefined) return undefined;
  const sets = { ForAnyValue: 'any', ForAllValues: 'all' } as const;
  return {
    name,
    set: match[1] === undefined ? undefined : sets[match[1] as keyof typeof sets],
    ifExists: match[3] !== undefined,
  };
}

/** All of them must hold. */
export function conditionsHold(conditions: readonly Condition[], context: ConditionContext): boolean {
  const values = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(context))
    if (value !== undefined) values.set(name.toLowerCase(), typeof value === 'string' ? [value] : value);
  return conditions.every((condition) => holds(condition, values.get(condition.key.toLowerCase()), context));
}

function holds(
  { operator, values }: Condition,
  given: readonly string[] | undefined,
  context: ConditionContext,
): boolean {
  const absent = given === undefined || given.length === 0;
  if (operator.name === 'Null') return values.some((value) => (value.toLowerCase() === 'true') === absent);
  const entry = TESTS[operator.name];
  if (entry === undefined) throw new Error('A condition operator got past the parser');
  if (absent && operator.set === 'any') return operator.ifExists;
  if (absent) return operator.ifExists || operator.set === 'all' || entry.negative === true;
  const wanted = values.map((value) => fillVariables(value, context)).filter((value) => value !== undefined);
  const fits = (one: string): boolean =>
    wanted.some((value) => entry.test(value, one)) !== (entry.negative === true);
  if (operator.set === 'all') return given.every(fits);
  if (operator.set === 'any' || entry.negative !== true) return given.some(fits);
  return given.every(fits);
}

/** Each of the six parts by itself, so that a * does not reach over a colon; the last one has the rest. */
function arnMatches(wanted: string, given: string): boolean {
  const [left, right] = [arnParts(wanted), arnParts(given)];
  return left.length === 6 && right.length === 6 && left.every((part, i) => matches(part, right[i] ?? ''));
}

function arnParts(arn: string): string[] {
  const parts = arn.split(':');
  return parts.length < 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(':')];
}

function inRange(wanted: string, given: string): boolean {
  const [address = '', prefix] = plain(wanted).split('/');
  const family = isIPv4(address) ? 'ipv4' : 'ipv6';
  if (!isIPv4(address) && !isIPv6(address)) return false;
  if (family === 'ipv4' ? !isIPv4(given) : !isIPv6(given)) return false;
  const list = new BlockList();
  const bits = Number(prefix ?? (family === 'ipv4' ? 32 : 128));
  if (!Number.isInteger(bits) || bits < 0 || bits > (family === 'ipv4' ? 32 : 128)) return false;
  list.addSubnet(address, bits, family);
  return list.check(given, family);
}
