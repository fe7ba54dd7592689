import type { Moved } from '../store/revision-log.ts';

/*
 * A revision as a client is told it with what it did, and asks by it whether that is in force: its number and its mark, by which one that
 * the store has lost is told from the one that has its number now.
 */

export const toldRevisionForm = /^(?:0|[1-9]\d{0,14})\.[\w-]{1,64}$/;

export function tellRevision({ revision, mark }: Moved): string {
  return `${revision}.${mark}`;
}

/** Of what has the {@link toldRevisionForm}. */
export function readRevision(told: string): Moved {
  const dot = told.indexOf('.');
  return { revision: Number(told.slice(0, dot)), mark: told.slice(dot + 1) };
}
