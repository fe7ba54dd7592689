import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openWorker } from '../../src/http/worker-channel.ts';

/* A supervisor of two workers, of which one runs the code in the argument. Prints what it heard of each, and ends. */

const [code = ''] = process.argv.slice(2);
const heard: unknown[] = [];
const nonsense: string[] = [];
const start = (script: string) => {
  const worker = openWorker(
    () =>
      spawn(process.execPath, ['-e', `process.on('disconnect', () => process.exit()); ${script}`], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        serialization: 'json',
      }),
    {
      onMessage: (message) => heard.push(message),
      onNonsense: (problem) => {
        nonsense.push(problem);
        worker.kill('SIGKILL');
      },
    },
  );
  return once(worker, 'exit');
};
await start(code);
await start("process.send('well'); process.send(null, () => process.disconnect())");
process.stdout.write(JSON.stringify({ heard, nonsense }));
