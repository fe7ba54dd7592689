import { CKR } from '../faults.ts';
import { isAsExpected, type Reading } from '../host/keys/key-reading.ts';
import type { StartFailure } from '../host/start-failure.ts';
import type { Made } from './questions.ts';

/** Of the template, what a token may give by itself: left out where it is refused, and read back all the same. */
const optional = [
  'CKA_CLASS',
  'CKA_KEY_TYPE',
  'CKA_PRIVATE',
  'CKA_SENSITIVE',
  'CKA_EXTRACTABLE',
  'CKA_MODIFIABLE',
  'CKA_SIGN',
  'CKA_VERIFY',
  'CKA_WRAP',
  'CKA_UNWRAP',
  'CKA_DERIVE',
] as const;

/** What is tried first of them, beside what is never left out: the least that one module or another needs. */
const cores: readonly (readonly string[])[] = [
  ['CKA_CLASS', 'CKA_KEY_TYPE', 'CKA_PRIVATE', 'CKA_SENSITIVE', 'CKA_EXTRACTABLE'],
  ['CKA_CLASS', 'CKA_KEY_TYPE'],
  ['CKA_KEY_TYPE'],
  [],
];

/** Values of C_GenerateKey that say nothing of the template: leaving attributes out would not help. */
const notOfTemplate: ReadonlySet<number | undefined> = new Set([
  CKR.DEVICE_ERROR,
  CKR.DEVICE_MEMORY,
  CKR.DEVICE_REMOVED,
  CKR.FUNCTION_NOT_SUPPORTED,
  CKR.HOST_MEMORY,
  CKR.KEY_SIZE_RANGE,
  CKR.MECHANISM_INVALID,
  CKR.SESSION_CLOSED,
  CKR.SESSION_COUNT,
  CKR.SESSION_HANDLE_INVALID,
  CKR.SESSION_READ_ONLY,
  CKR.TOKEN_NOT_PRESENT,
  CKR.TOKEN_WRITE_PROTECTED,
  CKR.USER_NOT_LOGGED_IN,
]);

export interface Omissions {
  omit: string[];
  /** Of each attribute that is left out, what the token said with it. */
  refusals: { attribute: string; why: string }[];
  /** The key that was made at last; absent where none was. */
  made?: Made;
  /** Why none was. */
  refused?: StartFailure;
}

/** Finds what has to be left out of our template for the token to make a key: nothing, if it can be. */
export async function findOmissions(make: (omit: string[]) => Promise<Made>): Promise<Omissions> {
  const whole = await make([]);
  if (whole.refused === undefined) return { omit: [], refusals: [], made: whole };
  if (notOfTemplate.has(whole.refused.rv)) return { omit: [], refusals: [], refused: whole.refused };
  const alone = await leaveOneOut(make, whole.refused);
  if (alone !== undefined) return alone;
  for (const core of cores) {
    const tried = await make(without(core));
    if (tried.refused === undefined) return addOneByOne(make, core, tried);
  }
  return { omit: [], refusals: [], refused: whole.refused };
}

async function leaveOneOut(
  make: (omit: string[]) => Promise<Made>,
  refused: StartFailure,
): Promise<Omissions | undefined> {
  for (const attribute of optional) {
    const made = await make([attribute]);
    if (made.refused === undefined)
      return { omit: [attribute], refusals: [{ attribute, why: refused.problem }], made };
  }
  return undefined;
}

async function addOneByOne(
  make: (omit: string[]) => Promise<Made>,
  core: readonly string[],
  first: Made,
): Promise<Omissions> {
  const kept = [...core];
  const refusals: Omissions['refusals'] = [];
  let last = first;
  for (const attribute of optional) {
    if (kept.includes(attribute)) continue;
    const made = await make(without([...kept, attribute]));
    if (made.refused === undefined) {
      kept.push(attribute);
      last = made;
    } else refusals.push({ attribute, why: made.refused.problem });
  }
  return { omit: without(kept), refusals, made: last };
}

function without(kept: readonly string[]): string[] {
  return optional.filter((attribute) => !kept.includes(attribute));
}

export interface Judgement {
  /** Attributes that are not told for true, of a key that is as asked. */
  notTold: string[];
  /** What makes the key unfit, in words. */
  unfit: string[];
}

/** What a key that was made just now says of the token. */
export function judgeMade({ readings = [], valueTold }: Made): Judgement {
  const wrong = readings.filter((reading) => !isAsExpected(reading));
  const isUntold = ({ told, of }: Reading) => told === undefined || of === 'born';
  return {
    notTold: wrong.filter(isUntold).map(({ name }) => name),
    unfit: [
      ...wrong
        .filter((reading) => !isUntold(reading))
        .map(({ name, told, expected }) => `${name} is ${String(told)} and has to be ${String(expected)}`),
      ...(valueTold === true ? ['CKA_VALUE, the key itself, can be read'] : []),
    ],
  };
}
