import pkcs11js from 'pkcs11js';
import { keyBytes, neverAllowed } from './key-template.ts';
import type { FoundKey, KeyAttributes } from '../../messages.ts';

/** What is read of a key. */
export const readBack: readonly number[] = [
  pkcs11js.CKA_ID,
  pkcs11js.CKA_LABEL,
  pkcs11js.CKA_KEY_TYPE,
  pkcs11js.CKA_VALUE_LEN,
  pkcs11js.CKA_TOKEN,
  pkcs11js.CKA_PRIVATE,
  pkcs11js.CKA_SENSITIVE,
  pkcs11js.CKA_EXTRACTABLE,
  pkcs11js.CKA_WRAP,
  pkcs11js.CKA_UNWRAP,
  pkcs11js.CKA_DERIVE,
  pkcs11js.CKA_LOCAL,
  pkcs11js.CKA_ALWAYS_SENSITIVE,
  pkcs11js.CKA_NEVER_EXTRACTABLE,
  pkcs11js.CKA_ENCRYPT,
  pkcs11js.CKA_DECRYPT,
];

/** The same of a key that another product made. */
export const readOfFound: readonly number[] = [
  ...new Set([...readBack, ...neverAllowed.map(({ type }) => type), pkcs11js.CKA_MODIFIABLE]),
];

/** One attribute that decides whether a key is fit, or whether it was made in the token. */
export interface Reading {
  name: string;
  /** `undefined` where the token does not tell it. */
  told: boolean | number | undefined;
  expected: boolean | number;
  /** Of all keys that are used, or only of those that we have made. */
  of: 'compliant' | 'born';
  /** Not telling it is as good as telling that it is false. */
  mayBeUntold: boolean;
}

export function readingsOf(told: ReadonlyMap<number, Buffer>): Reading[] {
  const is = (type: number) => readBoolean(told.get(type));
  const reading = (
    name: string,
    value: Reading['told'],
    expected: Reading['expected'],
    of: Reading['of'] = 'compliant',
    mayBeUntold = false,
  ): Reading => ({ name, told: value, expected, of, mayBeUntold });
  return [
    reading('CKA_KEY_TYPE', readNumber(told.get(pkcs11js.CKA_KEY_TYPE)), pkcs11js.CKK_AES),
    reading('CKA_VALUE_LEN', readNumber(told.get(pkcs11js.CKA_VALUE_LEN)), keyBytes),
    reading('CKA_TOKEN', is(pkcs11js.CKA_TOKEN), true),
    reading('CKA_PRIVATE', is(pkcs11js.CKA_PRIVATE), true),
    reading('CKA_SENSITIVE', is(pkcs11js.CKA_SENSITIVE), true),
    reading('CKA_EXTRACTABLE', is(pkcs11js.CKA_EXTRACTABLE), false),
    reading('CKA_WRAP', is(pkcs11js.CKA_WRAP), false, 'compliant', true),
    reading('CKA_UNWRAP', is(pkcs11js.CKA_UNWRAP), false, 'compliant', true),
    reading('CKA_DERIVE', is(pkcs11js.CKA_DERIVE), false, 'compliant', true),
    reading('CKA_LOCAL', is(pkcs11js.CKA_LOCAL), true, 'born'),
    reading('CKA_ALWAYS_SENSITIVE', is(pkcs11js.CKA_ALWAYS_SENSITIVE), true, 'born'),
    reading('CKA_NEVER_EXTRACTABLE', is(pkcs11js.CKA_NEVER_EXTRACTABLE), true, 'born'),
  ];
}

export function isAsExpected({ told, expected, mayBeUntold }: Reading): boolean {
  return told === expected || (told === undefined && mayBeUntold);
}

/** What is to be thought of a key, without the attributes that the module does not tell for true. */
export function judge(told: ReadonlyMap<number, Buffer>, notTold: ReadonlySet<string>): KeyAttributes {
  const wrong = readingsOf(told).filter((reading) => !isAsExpected(reading) && !notTold.has(reading.name));
  return {
    ...nameIn(told),
    encrypt: readBoolean(told.get(pkcs11js.CKA_ENCRYPT)) === true,
    decrypt: readBoolean(told.get(pkcs11js.CKA_DECRYPT)) === true,
    compliant: !wrong.some(({ of }) => of === 'compliant'),
    generatedOnToken: !wrong.some(({ of }) => of === 'born'),
    violations: wrong.map(({ name }) => name),
  };
}

/** The same of a key that another product made, with what can be set right of it. */
export function judgeFound(told: ReadonlyMap<number, Buffer>, notTold: ReadonlySet<string>): FoundKey {
  const excess = neverAllowed
    .filter(({ name, type }) => readBoolean(told.get(type)) === true && !notTold.has(name))
    .map(({ name }) => name);
  const lasting = readingsOf(told)
    .filter((reading) => reading.of === 'compliant' && !isAsExpected(reading) && !notTold.has(reading.name))
    .map(({ name }) => name)
    .filter((name) => !excess.includes(name));
  // Where the token does not tell it, trying is the way to know.
  const modifiable = readBoolean(told.get(pkcs11js.CKA_MODIFIABLE)) !== false;
  return { ...judge(told, notTold), excess, lasting, modifiable };
}

export function nameIn(told: ReadonlyMap<number, Buffer>): { id: Buffer; label: string } {
  const [id, label] = [told.get(pkcs11js.CKA_ID), told.get(pkcs11js.CKA_LABEL)];
  return { id: id ?? Buffer.alloc(0), label: (label ?? Buffer.alloc(0)).toString('utf8') };
}

function readBoolean(value: Buffer | undefined): boolean | undefined {
  return value === undefined || value.length === 0 ? undefined : value[0] !== 0;
}

/** CK_ULONG as the machine stores it. */
function readNumber(value: Buffer | undefined): number | undefined {
  if (value?.length === 8) return Number(value.readBigUInt64LE());
  return value?.length === 4 ? value.readUInt32LE() : undefined;
}
