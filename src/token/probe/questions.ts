import type { Profile } from '../../config/profile.ts';
import type { Reading } from '../host/keys/key-reading.ts';
import type { StartFailure } from '../host/start-failure.ts';
import type { TokenChoice } from '../host/token-choice.ts';
import type { TokenInfo } from '../token-info.ts';

/*
 * What `holdfast token probe` asks the process that has loaded the module. One JSON line each: the question on its stdin,
 * what it is at and the answer on descriptor 4. The process remembers its sessions and nothing else, so that one that was
 * killed or has crashed is followed by another.
 */

export interface OpenInput {
  module: string;
  initializeParameters?: string | undefined;
  choose: TokenChoice;
  profile: Profile;
}

/** A slot, in words. */
export interface SlotWords {
  number: number;
  token: TokenInfo | undefined;
  state: string;
}

export interface TokenFacts {
  info: TokenInfo;
  /** CKF_…, of CK_TOKEN_INFO. */
  flags: number;
  /** Numbers of CK_TOKEN_INFO; undefined where the token does not tell, Infinity is null. */
  sessions: { open: number | undefined; max: number | null | undefined };
}

export interface MechanismWords {
  flags: string[];
  minKeyBytes: number;
  maxKeyBytes: number;
}

/** A key of the probe's that is in the token still. */
export interface LeftKey {
  label: string;
  /** CKA_ID, hexadecimal. */
  id: string;
  why: string;
}

export interface CleanUp {
  destroyed: number;
  /** Of another probe that may not be over. */
  underWay: number;
  left: LeftKey[];
}

/** Milliseconds. */
export interface Spread {
  count: number;
  p50: number;
  p99: number;
}

export interface Made {
  /** Absent where the token made no key. */
  readings?: Reading[];
  /** Whether C_GetAttributeValue told CKA_VALUE: the key would be anybody's. */
  valueTold?: boolean;
  refused?: StartFailure;
  /** Why the key could not be destroyed. */
  undestroyed?: string;
}

/** By its name, what a question brings and what is answered. */
export interface ProbeQuestions {
  /** Loads the module, finds the token, logs in. Reports {@link OpenReport}s, and waits for `{"pin": …}` where one is wanted. */
  open: { input: OpenInput; answer: Record<string, never> };
  /** Opens and closes so many more sessions, or as many as there are. */
  sessions: { input: { max: number }; answer: { opened: number; stoppedBy?: string } };
  mechanisms: {
    input: { profile: Profile };
    answer: {
      count: number;
      gcm: MechanismWords | undefined;
      keyGeneration: MechanismWords | undefined;
      ofVendor: string[];
    };
  };
  /** Destroys what probes before this one have left behind, and this one too. */
  cleanUp: { input: Record<string, never>; answer: CleanUp };
  /** Makes a key without these attributes, reads it and destroys it. */
  make: { input: { omit: string[] }; answer: Made };
  /** Throws where a key cannot have the longest id and label that serving needs. */
  names: { input: { profile: Profile }; answer: Record<string, never> };
  /** The longest id and label that it takes, bytes. */
  longestNames: { input: { profile: Profile }; answer: { id: number; label: number } };
  /** Makes a key that stays until it is destroyed; gives its CKA_ID in hexadecimal. */
  keep: { input: { profile: Profile }; answer: { id: string } };
  search: {
    input: { profile: Profile; id: string };
    answer: { byId: number; byLabel: number; all: number; milliseconds: number };
  };
  /** In a new session of the same process; of this process's own login where it is another one's key. */
  look: {
    input: { profile: Profile; id: string };
    answer: { found: number; afterLogin: number };
  };
  ivMode: { input: { profile: Profile; key: string }; answer: Record<string, never> };
  tag: { input: { profile: Profile; key: string }; answer: { said: string } };
  data: { input: { profile: Profile; key: string }; answer: Record<string, never> };
  /** The most that it takes of either, bytes. */
  maxData: { input: { profile: Profile; key: string }; answer: { plaintext: number; aad: number } };
  /** By the rule that a CloudKey's destruction keeps to; `witness` stays. */
  destroy: { input: { profile: Profile; id: string; witness: string }; answer: { destroyed: number } };
  latency: {
    input: { profile: Profile; key: string };
    answer: { encrypt: Spread; decrypt: Spread; create: Spread };
  };
  /** All that a host does with a token, with a key like a CloudKey's. */
  whole: { input: { profile: Profile }; answer: Record<string, never> };
}

export type QuestionName = keyof ProbeQuestions;

export type ProbeQuestion = {
  [Name in QuestionName]: { ask: Name; input: ProbeQuestions[Name]['input'] };
}[QuestionName];

/** What opening has come to. */
export type OpenReport =
  | { report: 'module'; about: string }
  | { report: 'slots'; slots: SlotWords[]; empty: number }
  | { report: 'token'; facts: TokenFacts }
  /** The process waits for the PIN. */
  | { report: 'login' };

export type ProbeLine =
  | OpenReport
  /** The C_ function that is being called. */
  | { call: string }
  | { answer: unknown }
  | { failed: StartFailure };

/** The answer to `login`: no PIN where the token wants none of it. */
export interface PinLine {
  pin?: string;
}
