import { execFile } from 'node:child_process';

export interface Typed {
  code: number;
  output: string;
  errors: string;
}

/** Runs a script without a terminal, and with no other environment. */
export async function bash(
  script: string,
  { cwd, env }: { cwd: string; env: Record<string, string | undefined> },
): Promise<Typed> {
  return new Promise((resolve) => {
    const child = execFile(
      '/bin/bash',
      ['-c', script],
      { cwd, env, maxBuffer: 16 * 2 ** 20 },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), output: stdout, errors: stderr }),
    );
    child.stdin?.end();
  });
}
