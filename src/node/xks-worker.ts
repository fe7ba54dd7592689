import { createLog } from '../log.ts';
import { runWorker, tell } from './worker-process.ts';
import { XksService } from './xks-service.ts';

/*
 * An XKS worker: a process that talks to AWS. It loads no PKCS#11 module and knows no PIN; what it knows of a token is
 * the socket of a token host, handed to it by the supervisor.
 */

runWorker('XKS worker', async (message) => {
  if (message.kind !== 'start') throw new Error('started as another kind of worker');
  return XksService.start(message.config, {
    log: createLog(message.config.log.level, { process: 'xks-worker' }),
    tell,
    onEnd: () => process.disconnect(),
  });
});
