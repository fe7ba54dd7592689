import { randomBytes, randomInt, randomUUID } from 'node:crypto';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** `AKIA…`, `ASIA…`, `AIDA…`, `AROA…`: the prefix and random base 32 digits, as long as AWS's (20 and 21 characters). */
export function makeId(prefix: 'AKIA' | 'ASIA' | 'AIDA' | 'AROA'): string {
  const length = prefix.startsWith('AI') || prefix === 'AROA' ? 17 : 16;
  return prefix + Array.from({ length }, () => BASE32[randomInt(BASE32.length)]).join('');
}

/** 40 characters, as AWS's. */
export function makeSecretAccessKey(): string {
  return randomBytes(30).toString('base64');
}

export function makeRequestId(): string {
  return randomUUID();
}

export function makeAccountId(): string {
  return String(randomInt(100_000_000_000, 999_999_999_999));
}
