import { runCommandLine } from '../../src/cli/run.ts';
import { useSinks, type Terminal } from '../../src/cli/output/streams.ts';

/*
 * A process that runs one command after another, each as src/main.ts runs it, for tests that are not about the process
 * itself: most of a command's time is the start of one.
 */

export interface CommandOrder {
  id: number;
  words: string[];
  env: Record<string, string>;
  /** As on a terminal so wide. */
  terminal?: Terminal | undefined;
}

export interface CommandReport {
  id: number;
  code: number;
  stdout: string;
  stderr: string;
}

async function obey({ id, words, env, terminal }: CommandOrder): Promise<CommandReport> {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.exitCode = 0;
  const report = { id, code: 0, stdout: '', stderr: '' };
  const before = useSinks({
    out: (text) => (report.stdout += text),
    err: (text) => (report.stderr += text),
    terminal: () => terminal,
  });
  report.code = await runCommandLine(words);
  useSinks(before);
  return report;
}

if (import.meta.main) {
  let last: Promise<unknown> = Promise.resolve();
  process.on('message', (order: CommandOrder) => {
    last = last.then(async () => process.send?.(await obey(order)));
  });
  process.on('disconnect', () => process.exit());
}
