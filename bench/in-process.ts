import { loadConfig } from '../src/config/load.ts';
import { pinOf } from '../src/cli/node/open-node.ts';
import { Listener } from '../src/http/listener.ts';
import { loadTls } from '../src/http/tls.ts';
import { RequestLog } from '../src/http/request-log.ts';
import { createXksApp, xksRefusal } from '../src/http/xks-app.ts';
import { createLog } from '../src/log.ts';
import { SqliteStore } from '../src/store/sqlite/sqlite.ts';
import { Cryptoki } from '../src/token/host/cryptoki.ts';
import { TokenError } from '../src/token/faults.ts';
import type { TokenRequest } from '../src/token/messages.ts';
import { TokenHost } from '../src/token/host/token-host.ts';
import type { CallOptions, CallResult } from '../src/token/pool/pool-entry.ts';
import { Directory } from '../src/serving/directory.ts';
import { EncryptionCount } from '../src/serving/encryption-count.ts';
import { TokenPools, type TokenClient } from '../src/vault/tokens.ts';
import { runCluster } from './cluster.ts';
import { leasesOf } from '../testing/leases.ts';

/*
 * The price of the token host: the same application with the token loaded into the process that serves. Only here:
 * `holdfast serve` has no way to do this. Usage: in-process.ts CONFIG; SOFTHSM2_CONF must be set.
 */

const [configFile = '', port] = process.argv.slice(2);
const config = loadConfig(configFile);

if (port === undefined) {
  await runCluster(import.meta.filename, [configFile], config.workers);
} else {
  const token = config.tokens[0];
  if (token === undefined) throw new Error('the configuration has no token');
  const store = await SqliteStore.open(config.storePath);
  const cryptoki = Cryptoki.open(
    { profile: token.moduleProfile, module: token.module, choose: { label: token.label } },
    await pinOf(token),
  );
  const host = new TokenHost(cryptoki, token.moduleProfile);
  host.selfTest();
  const client: TokenClient = {
    name: token.name,
    usable: true,
    health: 'ACTIVE',
    hosts: [],
    call: <R extends TokenRequest>(
      request: R,
      { deadline, onAttempt }: CallOptions,
    ): Promise<CallResult<R['kind']>> => {
      onAttempt?.();
      const { responses } = host.answer([{ id: 0, deadline, request }]);
      const response = responses[0];
      if (response === undefined || response.answer instanceof TokenError)
        return Promise.reject(response?.answer ?? new TokenError('internal', 'bench'));
      const value = response.answer.value as CallResult<R['kind']>['value'];
      return Promise.resolve({ value, queue: 0, token: response.microseconds / 1000, host: process.pid });
    },
  };
  const tokens = new TokenPools([client]);
  const log = createLog(config.log.level);
  const { moduleProfile } = token;
  const app = createXksApp({
    services: {
      directory: new Directory(store, tokens),
      tokens,
      encryptions: new EncryptionCount(leasesOf(store), () => undefined),
      // Neither quotas nor a record of uses: what is compared is the token's part.
      quotas: { take: () => 'granted', takeBoth: async () => ({ admission: 'granted', by: undefined }) },
      unfitKeys: { found: () => undefined, good: () => undefined },
      uses: { record: () => undefined },
      tokenFacts: () => ({
        vendor: moduleProfile.vendor,
        model: moduleProfile.model,
        aadForm: moduleProfile.aad.form,
        plaintextBytes: moduleProfile.limits.plaintext_bytes,
      }),
      fleet: { size: 1, tokens: [] },
      version: 'bench',
    },
    log,
    requests: new RequestLog({ log, settings: config.log }),
    answerWithin: config.xks.answer_within_ms,
    draining: () => false,
  });
  const handle = app.callback();
  const listener = new Listener(
    {
      ...config.xks,
      tls: loadTls(config.xks.tls),
      port: Number(port),
      log,
      refusalForm: xksRefusal,
      reusePort: true,
    },
    (request, response) => void handle(request, response),
  );
  const address = await listener.listen();
  process.send?.(address.port);
  process.on('disconnect', () => process.exit(0));
}
