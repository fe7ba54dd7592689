import type { Logger } from '../log.ts';

/**
 * Logs what should not have happened: no fault of AWS's, of the token's or of a value's. No record has it, and the next
 * one is not held up by it. `facts` name the thing, `what` says what becomes of it.
 */
export function logMistake(
  log: Pick<Logger, 'error'> | undefined,
  facts: Readonly<Record<string, string>>,
  thrown: unknown,
  what: string,
): void {
  const { name, message, stack } = thrown instanceof Error ? thrown : new Error('no error was thrown');
  log?.error({ ...facts, problem: `${name}: ${message}`, stack }, what);
}
