import { randomBytes } from 'node:crypto';
import { wallClock } from '../../clock.ts';
import { idStartOf } from '../trial-key.ts';
import { triedNames, type TriedNames } from '../serving-sizes.ts';

/*
 * What keys of the probe's are called. CKA_LABEL begins with `holdfast:probe:1`; CKA_ID = 8 bytes that say the same ‖
 * milliseconds since 1970, the last 6 bytes of them ‖ random bytes. By the two together one that stayed behind is known, and
 * no other key is ever destroyed for one. A token may cut both: what they begin with is left.
 */

export const probeLabel = 'holdfast:probe:1';
const idStart = idStartOf(probeLabel);

/** With fewer a key of the probe's is not known for one. */
export const idStartBytes = idStart.length;
/** Of ids where their length is not the question. */
export const shortIdBytes = 14;

/** @param bytes Of it; as many as a CloudKey's version has unless given. */
export function probeId(bytes: number = triedNames.longestId.length): Buffer {
  const time = Buffer.alloc(6);
  time.writeUIntBE(wallClock().getTime() % 2 ** 48, 0, 6);
  const id = Buffer.concat([idStart, time, randomBytes(16)]);
  return bytes <= id.length ? id.subarray(0, bytes) : Buffer.concat([id, Buffer.alloc(bytes - id.length, 1)]);
}

export function isProbeKey({ id, label }: { id: Buffer; label: string }): boolean {
  return label.startsWith(probeLabel) && id.subarray(0, idStart.length).equals(idStart);
}

export function longLabel(bytes: number): string {
  return probeLabel.padEnd(bytes, 'x').slice(0, bytes);
}

/** As long as those of CloudKeys are. */
export function probeNames(): TriedNames {
  return {
    shortId: probeId(shortIdBytes),
    shortLabel: probeLabel,
    longestId: probeId(),
    longestLabel: longLabel(triedNames.longestLabel.length),
  };
}
