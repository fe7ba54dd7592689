import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const command = path.resolve(import.meta.dirname, '../../bin/holdfast');

export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the command as people and programs do: a process of its own, never with a terminal. */
export async function runCommand(
  words: readonly string[],
  { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {},
): Promise<Run> {
  const child = spawn(command, words, {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const run: Run = { code: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (run.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (run.stderr += text));
  // A command that asks for nothing may have ended already.
  child.stdin.on('error', () => undefined).end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { ...run, code };
}
