import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  listOf,
  MisfitError,
  nullOr,
  oneOf,
  parseMessage,
  record,
  textOf,
  wholeFrom,
} from '../message-check.ts';
import { maxKept, nothingKept, type KeptHistory } from './kept-history.ts';
import { lostKinds, maxLost, type LostChange } from './lost-changes.ts';
import type { Moment } from './revision-log.ts';

/** Larger than the largest that is written, bytes. */
const maxSize = 16 * 1024 ** 2;
const text = textOf(1000);

const moment = record<Moment>({
  revision: wholeFrom(-1),
  mark: nullOr(text),
  // One of a version that knew of no ids is of the store that the node works with.
  store: (value, at) => nullOr(text)(value ?? null, at),
});
const change = record<LostChange>({
  revision: wholeFrom(0),
  mark: nullOr(text),
  kind: oneOf(lostKinds),
  name: text,
  taken: nullOr(text),
});
const history = record<KeptHistory>({
  at: moment,
  changes: listOf(change, maxKept),
  lost: listOf(change, maxLost),
});

export function keptHistoryFile(stateDirectory: string): string {
  return path.join(stateDirectory, 'known-changes');
}

/** Where what was kept of another store lies while the node works with one that is not that. */
export function asideOf(file: string, store: string): string {
  return `${file}.${encodeURIComponent(store).slice(0, 64)}`;
}

/** Where one that could not be read is put, before another is written. */
export function unreadOf(file: string): string {
  return `${file}.unread`;
}

/** What the node kept last; nothing where it has kept nothing yet. `problem`: there is a file, and it cannot be believed. */
export function readKeptHistory(file: string): { kept: KeptHistory; problem?: string } {
  if (!existsSync(file)) return { kept: nothingKept };
  try {
    if (statSync(file).size > maxSize) throw new MisfitError('the file is too large');
    const written = readFileSync(file, 'utf8');
    const end = written.indexOf('\n');
    const [sum, body] = [written.slice(0, end), written.slice(end + 1)];
    if (sum !== sumOf(body)) throw new MisfitError('its checksum is wrong');
    return { kept: parseMessage(history, JSON.parse(body)) };
  } catch (error) {
    return { kept: nothingKept, problem: (error as Error).message };
  }
}

/** On the disk when this resolves, whole or as it was before. Rejects with what the system says. */
export async function writeKeptHistory(file: string, kept: KeptHistory): Promise<void> {
  const body = JSON.stringify(kept);
  const made = `${file}.new`;
  await rm(made, { force: true });
  await writeFile(made, `${sumOf(body)}\n${body}`, { flag: 'wx', mode: 0o600, flush: true });
  await rename(made, file);
  const directory = await open(path.dirname(file), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function sumOf(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}
