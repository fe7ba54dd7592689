import { availableParallelism } from 'node:os';
import Koa from 'koa';
import { readBody } from '../src/http/body.ts';
import { Listener } from '../src/http/listener.ts';
import { loadTls } from '../src/http/tls.ts';
import { xksRefusal } from '../src/http/xks-app.ts';
import { createLog } from '../src/log.ts';
import { Secret } from '../src/secret.ts';
import { parseAuthorization, verifySignature } from '../src/sigv4/verify.ts';
import { runCluster } from './cluster.ts';

/*
 * The limit of the front: a Koa application over the same TLS that verifies the signature and echoes as many bytes as
 * Encrypt answers. Usage: echo.ts CERTIFICATE KEY SECRET ANSWER-BYTES
 */

const [certificate = '', key = '', secret = '', answerBytes = '0', port] = process.argv.slice(2);

if (port === undefined) {
  const words = process.argv.slice(2);
  await runCluster(import.meta.filename, words, Math.min(4, availableParallelism()));
} else {
  const answer = 'x'.repeat(Number(answerBytes));
  const signedWith = new Secret(secret);
  const app = new Koa();
  app.use(async (ctx) => {
    const request = { method: ctx.method, path: ctx.path, query: '', rawHeaders: ctx.req.rawHeaders };
    const authorization = parseAuthorization(request, new Date());
    const body = await readBody(ctx.req);
    verifySignature(request, body, authorization, signedWith);
    ctx.set('Content-Type', 'application/json');
    ctx.body = answer;
  });
  const handle = app.callback();
  const listener = new Listener(
    {
      address: '127.0.0.1',
      port: Number(port),
      tls: loadTls({ certificate, key, client_subjects: [] }),
      connections: 4096,
      log: createLog('error'),
      refusalForm: xksRefusal,
      reusePort: true,
    },
    (request, response) => void handle(request, response),
  );
  const address = await listener.listen();
  process.send?.(address.port);
  process.on('disconnect', () => process.exit(0));
}
