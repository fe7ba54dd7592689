import { reportFailure } from '../../src/cli/failure.ts';
import { createProgram } from '../../src/cli/program.ts';

/*
 * A process that runs one command after another, each as src/main.ts runs it, for tests that are not about the process
 * itself: most of a command's time is the start of one.
 */

export interface CommandOrder {
  id: number;
  words: string[];
  env: Record<string, string>;
}

export interface CommandReport {
  id: number;
  code: number;
  stdout: string;
  stderr: string;
}

async function obey({ id, words, env }: CommandOrder): Promise<CommandReport> {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.exitCode = 0;
  const report = { id, code: 0, stdout: '', stderr: '' };
  const undo = (['stdout', 'stderr'] as const).map((name) => {
    const stream = process[name];
    const write = stream.write.bind(stream);
    stream.write = (chunk: string | Uint8Array) => {
      report[name] += String(chunk);
      return true;
    };
    return () => (stream.write = write);
  });
  try {
    await createProgram().parseAsync(words, { from: 'user' });
  } catch (error) {
    process.exitCode = await reportFailure(error);
  }
  for (const step of undo) step();
  report.code = process.exitCode;
  return report;
}

if (import.meta.main) {
  let last: Promise<unknown> = Promise.resolve();
  process.on('message', (order: CommandOrder) => {
    last = last.then(async () => process.send?.(await obey(order)));
  });
  process.on('disconnect', () => process.exit());
}
