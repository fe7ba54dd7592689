import { fork } from 'node:child_process';

/**
 * Runs `script` in so many processes on one port, as `holdfast serve` does, and says `ready on port …` when all
 * listen. For the servers that we compare with.
 */
export async function runCluster(script: string, words: readonly string[], processes: number): Promise<void> {
  let port = 0;
  for (let i = 0; i < processes; i++) {
    const child = fork(script, [...words, String(port)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    port = await new Promise<number>((resolve, reject) => {
      child.once('message', (message) => resolve(Number(message)));
      child.once('exit', (code) => reject(new Error(`${script} ended with ${code}`)));
    });
  }
  console.log(`ready on port ${port}`);
}
