import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { constants as systemConstants } from 'node:os';
import path from 'node:path';
import type { ReservedFor } from '../read-back.ts';

/** Bytes that are kept free for what must never fail for want of space. */
export const reserveSize = 16 * 1024 * 1024;
/** Given up at a time: some ten transactions. */
const slice = 256 * 1024;
/** Only what takes power away may have the last of it. */
const keptForRestrictions = reserveSize / 2;

/**
 * What is written is on the disk when the call returns, and all that was done to the file before it. Node gives processes
 * under its permission model no fsync.
 */
const synced = constants.O_RDWR | constants.O_SYNC;

/** The reserve's file, beside the store. */
export function reservePath(storeFile: string): string {
  return `${storeFile}-reserve`;
}

/**
 * Space on the store's disk that is taken beforehand, so that a disk that is full still has room for a disable, a freeze, a
 * withdrawal, and for the sign-in before it. Each process may give up a slice of it; the management process fills it up
 * again once there is room.
 */
export class SpaceReserve {
  readonly #file: string;

  constructor(storeFile: string) {
    this.#file = reservePath(storeFile);
  }

  /** Bytes that it holds. */
  get held(): number {
    try {
      return statSync(this.#file).size;
    } catch {
      return 0;
    }
  }

  /** The disk that it is on, and itself, in bytes. Throws what the system throws. */
  get disk(): { free: number; total: number; reserve: number; wholeReserve: number } {
    const { bavail, blocks, bsize } = statfsSync(path.dirname(this.#file));
    return {
      free: bavail * bsize,
      total: blocks * bsize,
      reserve: this.held,
      wholeReserve: reserveSize,
    };
  }

  /** Gives up so many slices, or what is left of them. False where there is none (for this purpose) any more. */
  release(purpose: ReservedFor, slices = 1): boolean {
    try {
      const descriptor = openSync(this.#file, synced);
      try {
        const { size } = fstatSync(descriptor);
        const min = purpose === 'restriction' ? 0 : keptForRestrictions;
        if (size - slice < min) return false;
        const left = Math.max(min, size - slices * slice);
        ftruncateSync(descriptor, left);
        // Some file systems give blocks back only with the next synced write.
        if (left > 0) writeSync(descriptor, randomBytes(1), 0, 1, left - 1);
        return true;
      } finally {
        closeSync(descriptor);
      }
    } catch {
      return false;
    }
  }

  /**
   * Why the system lets nobody of this user write more, where it does not: what the disk has left is not for who has used up a
   * quota of it (EDQUOT), and a disk that fails is made read-only while files on it are open (EROFS). Tried with some bytes at
   * the end of the reserve, which are taken away again.
   */
  whyNoMore(): 'quota' | 'read-only' | undefined {
    try {
      const descriptor = openSync(this.#file, synced);
      try {
        const { size } = fstatSync(descriptor);
        try {
          writeSync(descriptor, randomBytes(slice), 0, slice, size);
        } finally {
          ftruncateSync(descriptor, size);
        }
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      if (isOfQuota(error)) return 'quota';
      if ((error as NodeJS.ErrnoException).code === 'EROFS') return 'read-only';
    }
    return undefined;
  }

  /**
   * Fills it up where the disk has room for it twice over, `chunkSize` bytes at a time. Answers whether it is whole. Throws
   * what the system throws; whatever it wrote until then counts.
   */
  fill(chunkSize = reserveSize): boolean {
    const { held } = this;
    if (held >= reserveSize) return true;
    const missing = reserveSize - held;
    const { bavail, bsize } = statfsSync(path.dirname(this.#file));
    if (bavail * bsize < 2 * missing) return false;
    const descriptor = openSync(
      this.#file,
      existsSync(this.#file) ? synced : synced | constants.O_CREAT | constants.O_EXCL,
      0o600,
    );
    try {
      // Random, since some file systems compress, and zeros would reserve nothing. In one write: each waits for the disk.
      const bytes = randomBytes(Math.min(missing, chunkSize));
      for (let at = 0; at < bytes.length;)
        at += writeSync(descriptor, bytes, at, bytes.length - at, held + at);
      return bytes.length === missing;
    } finally {
      closeSync(descriptor);
    }
  }
}

/** Node has no name for EDQUOT: its code is UNKNOWN. */
export function isOfQuota(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).errno === -systemConstants.errno.EDQUOT;
}
