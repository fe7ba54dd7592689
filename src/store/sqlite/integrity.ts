import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { nodeCommand } from '../../node-process.ts';

/** What a look at a store found. */
export interface StoreIntegrity {
  /** What SQLite says of a damaged file, a line each; none where it is whole. */
  damages: string[];
  /** Of which version of Holdfast the schema is, beside this one. */
  schema: 'this' | 'older' | 'newer';
  /** What in its schema is not as the migrations made it, in words. */
  altered: string[];
}

const answer = z.union([
  z.strictObject({
    damages: z.array(z.string()),
    schema: z.enum(['this', 'older', 'newer']),
    altered: z.array(z.string()),
  }),
  z.strictObject({ problem: z.string() }),
]);

/**
 * Looks at a store without changing it, beside whatever the node is doing (PRAGMA quick_check). In a process of its own,
 * since nothing else ends a call into SQLite: rejects where it took longer than `timeout` milliseconds or failed.
 */
export async function checkStore(path: string, timeout: number): Promise<StoreIntegrity> {
  const script = fileURLToPath(new URL('./integrity-process.ts', import.meta.url));
  const [command, ...words] = nodeCommand(script, path);
  const printed = await new Promise<string>((resolve, reject) => {
    execFile(command, words, { timeout, killSignal: 'SIGKILL' }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(new Error(error.killed === true ? 'it took too long' : 'it cannot be read as a store'));
    });
  });
  const found = answer.parse(JSON.parse(printed));
  if ('problem' in found) throw new Error(found.problem);
  return found;
}
