import { restore } from '../../src/cli/node/restore.ts';
import { loadConfig } from '../../src/config/load.ts';

/* Restores the backup of the second argument by the configuration of the first, and kills itself after the step named last. */

const [config = '', file = '', last = ''] = process.argv.slice(2);
await restore(loadConfig(config), file, { replace: true }, (step) => {
  if (step === last) process.kill(process.pid, 'SIGKILL');
});
