import { numberText } from './locale.ts';

/* What an HSM's vendor and a cryptographer ask of a token first. */

const milliseconds = (ms: number) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

export const token = {
  slot: 'Slot',
  hosts: 'Token hosts',
  hostsNotTold: 'The supervisor of this node does not report them',
  ofWorker: (worker: number | null) => (worker === null ? 'Management process' : `XKS worker ${worker}`),
  host: (of: string, state: string, pid: number | null) =>
    pid === null ? `${of}: ${state}` : `${of}: ${state} (process ${pid})`,
  selfTest: 'Self-test',
  check: (ms: number, ok: boolean) =>
    ok ? `encrypted and decrypted in ${milliseconds(ms)}` : `check failed after ${milliseconds(ms)}`,
  noCheck: 'Not checked since',
  ivs: 'How its IVs are made',
  ivMode: 'IV mode',
  ivModes: {
    caller: 'Holdfast draws the IV from the token (C_GenerateRandom)',
    'hsm-at-init': 'The token makes the IV, in C_EncryptInit',
    'hsm-at-encrypt': 'The token makes the IV, in C_Encrypt',
    'hsm-in-place': 'The token makes the IV, in C_EncryptInit or C_Encrypt',
    'hsm-appended': 'The token makes the IV, and appends it to the ciphertext',
  },
  ivBytes: 'Length',
  bytes: (n: number) => `${n} bytes`,
  ivRandom: 'Drawn at random, all of it',
  ivNotRandom: 'Not as far as its profile says: the token may count',
  ivProof: 'Proven',
  ivProofWhy:
    'Each token host proves the mode before it serves: three encryptions, each with an IV that is neither zero nor used before, and decrypts with it.',
  ivMayRepeat:
    'IVs may repeat: its keys were seen in several HSMs that may each count their IVs. The overview says what to do.',
  load: 'What it is asked',
  loadWhy: 'By AWS’s requests, through all XKS workers of this node.',
  waiting: 'Waiting, under way',
  waitingOf: (waiting: number, underWay: number) => `${numberText(waiting)}, ${numberText(underWay)}`,
  wait: 'What comes now waits about',
  noHost: 'An XKS worker has no host for it',
  notTold: 'No XKS worker has reported',
  operations: (minutes: number) => `Operations, last ${minutes} minutes`,
  median: 'Half took at most',
  p99: '99 in 100 took at most',
  waitP99: '99 in 100 waited at most',
  faults: 'Faults',
  faultsOf: (faults: Readonly<Record<string, number>>) =>
    Object.entries(faults)
      .map(([fault, n]) => `${numberText(n)} ${fault}`)
      .join(', '),
  noFaults: 'None',
  milliseconds,
  everywhere: 'Keys that not every HSM has',
  everywhereNot: 'Not compared yet. A reconciliation compares the HSMs of a group, key by key.',
  everywhereAll: 'Every key is on every HSM',
  everywhereAt: 'Compared',
  everywhereProblem: (problem: string) => `Not all could be compared: ${problem}`,
  lacks: {
    missing: (hsm: string) => `Missing on ${hsm}`,
    duplicate: (hsm: string) => `Several key objects on ${hsm}`,
    unfit: (hsm: string) => `Another key object in its place on ${hsm}`,
  },
  keyVersion: (name: string, version: number | null) =>
    version === null ? name : `${name}, version ${version}`,
  noKeyName: 'A key that no record names',
  more: (n: number, reconciliation: string) =>
    `and ${numberText(n)} more: holdfast reconcile show ${reconciliation}`,
  loadColumn: 'p99, queue',
  loadOf: (p99: string, waiting: string) => `${p99}, ${waiting} waiting`,
} as const;
