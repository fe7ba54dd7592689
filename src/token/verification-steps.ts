import type { TokenInfo } from './token-info.ts';

/** What a verification tries, in this order. */
export const verificationSteps = [
  'module',
  'token',
  'login',
  'mechanisms',
  'self-test',
  'key-making',
  'latency',
] as const;

export type VerificationStep = (typeof verificationSteps)[number];

/** What a token host tells of its start, where it was asked to (`verify`). */
export type ProgressReport =
  | { state: 'step'; step: VerificationStep; milliseconds: number; detail: string; info?: TokenInfo }
  | { state: 'mechanisms'; names: string[] };
