import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { wallClock } from '../../clock.ts';
import { triedNames, type TriedNames } from '../host/serving-sizes.ts';
import { idStartOf } from '../host/keys/trial-key.ts';

/*
 * What keys of the probe's are called. CKA_LABEL = `holdfast:probe:1:` ‖ 8 hexadecimal digits of this machine's name ‖ `:` ‖
 * number of the process that probes ‖ `:`, and more where a long one is asked for. CKA_ID = 8 bytes that say the same ‖
 * milliseconds since 1970 (6 bytes) ‖ zeros. By the two together one that stayed behind is known, and whether somebody is at
 * it still; no other key is ever destroyed for one. A token may cut both: what they begin with is left.
 */

const prefix = 'holdfast:probe:1:';
const idStart = idStartOf(prefix);

/** With fewer a key of the probe's is not known for one. */
export const idStartBytes = idStart.length;
/** Of ids where their length is not the question. */
export const shortIdBytes = 14;

const machine = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** The process that is asked is a child of the one that probes. */
export const probeLabel = labelOf(machine, process.ppid);

/** On other machines a probe may be under way for so long, milliseconds. */
const maxProbe = 10 * 60_000;

export function labelOf(ofMachine: string, pid: number): string {
  return `${prefix}${ofMachine}:${pid}:`;
}

let last = 0;

/** Another one each time. @param bytes Of it; as many as a CloudKey's version has unless given. */
export function probeId(bytes: number = triedNames.maxIdLength.length, now = wallClock().getTime()): Buffer {
  last = Math.max(now, last + 1);
  const id = Buffer.alloc(Math.max(bytes, shortIdBytes));
  idStart.copy(id);
  id.writeUIntBE(last, idStartBytes, 6);
  return id.subarray(0, bytes);
}

export function longLabel(bytes: number): string {
  return probeLabel.padEnd(bytes, 'x').slice(0, bytes);
}

/** As long as those of CloudKeys are. */
export function probeNames(): TriedNames {
  return {
    shortId: probeId(shortIdBytes),
    shortLabel: probeLabel,
    maxIdLength: probeId(),
    maxLabelLength: longLabel(triedNames.maxLabelLength.length),
  };
}

/**
 * Whose a key is: one of a probe, ours or one that has ended, is `over`; where another probe may be at it, it is `under-way`.
 */
export function probeOf(
  { id, label }: { id: Buffer; label: string },
  now = wallClock().getTime(),
): 'over' | 'under-way' | undefined {
  if (!label.startsWith(prefix) || !id.subarray(0, idStartBytes).equals(idStart)) return undefined;
  const [, ofMachine, pid] = /^([0-9a-f]{8}):(\d+):/.exec(label.slice(prefix.length)) ?? [];
  // A label that was cut: whose it is cannot be told.
  if (ofMachine === machine && pid !== undefined)
    return Number(pid) === process.ppid || !isAlive(Number(pid)) ? 'over' : 'under-way';
  const madeAt = id.length < shortIdBytes ? 0 : id.readUIntBE(idStartBytes, 6);
  return Math.abs(now - madeAt) > maxProbe ? 'over' : 'under-way';
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
