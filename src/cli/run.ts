import { exitCodes } from './output/exit-codes.ts';
import { reportFailure } from './failure.ts';
import { isForPrograms, outputOf } from './output/output-options.ts';
import { createProgram } from './program.ts';
import { flush, isErrorOutputLost } from './output/streams.ts';

/**
 * Runs one command to its end and resolves with its exit code. `words` are those after `holdfast`; of this process unless
 * given.
 */
export async function runCommandLine(words?: readonly string[]): Promise<number> {
  const program = createProgram();
  try {
    await (words === undefined ? program.parseAsync() : program.parseAsync([...words], { from: 'user' }));
    flush();
  } catch (error) {
    return reportFailure(error, isForPrograms(outputOf(program)));
  }
  const code = Number(process.exitCode ?? 0);
  // Nobody was told what was to be told.
  return code === 0 && isErrorOutputLost() ? exitCodes.output : code;
}
