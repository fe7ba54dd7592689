import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { loadConfig } from '../src/config/load.ts';
import { pinOf } from '../src/cli/node/open-node.ts';
import { Listener } from '../src/http/listener.ts';
import { loadTls } from '../src/http/tls.ts';
import { RequestLog } from '../src/http/request-log.ts';
import { createXksApp, xksRefusal } from '../src/http/xks-app.ts';
import { createLog } from '../src/log.ts';
import { openHolderLine, openStore, openStoreToRead } from '../src/store/opening/open.ts';
import { Cryptoki } from '../src/token/host/cryptoki.ts';
import { TokenError } from '../src/token/faults.ts';
import type { TokenRequest } from '../src/token/messages.ts';
import { TokenHost } from '../src/token/host/token-host.ts';
import type { CallOptions, CallResult } from '../src/token/pool/pool-entry.ts';
import { Directory } from '../src/serving/directory.ts';
import { SnapshotHolder } from '../src/serving/snapshot-holder.ts';
import { EncryptionCount } from '../src/serving/encryption-count.ts';
import { TokenPools, type TokenClient } from '../src/vault/tokens.ts';
import { runCluster } from './cluster.ts';
import { leasesOf } from '../testing/leases.ts';

/*
 * The price of the token host: the same application with the token loaded into the process that serves. Only here:
 * `holdfast serve` has no way to do this. And, on PostgreSQL, the price of asking the store at each request, which `holdfast serve`
 * does without a lease only. Usage: in-process.ts CONFIG snapshot|store; SOFTHSM2_CONF must be set.
 */

const [configFile = '', by = '', port] = process.argv.slice(2);
const config = loadConfig(configFile);

if (port === undefined) {
  await runCluster(import.meta.filename, [configFile, by], config.workers);
} else {
  const token = config.tokens[0]?.members[0];
  if (token === undefined) throw new Error('the configuration has no token');
  const store = await openStore(config.store);
  const cryptoki = Cryptoki.open(
    { profile: token.moduleProfile, module: token.module, choose: { label: token.label } },
    await pinOf(token),
  );
  const host = new TokenHost(cryptoki, token.moduleProfile);
  host.selfTest();
  const client: TokenClient = {
    name: token.token,
    members: [token.name],
    usable: true,
    health: 'ACTIVE',
    healthOf: () => 'ACTIVE',
    serialOf: () => undefined,
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
      return Promise.resolve({
        value,
        queue: 0,
        token: response.microseconds / 1000,
        host: process.pid,
        serial: undefined,
      });
    },
  };
  const tokens = new TokenPools([client]);
  const log = createLog(config.log.level);
  const { moduleProfile } = token;
  const directory = new Directory(await openStoreToRead(config.store), tokens);
  const { store: place } = config;
  const holder =
    by === 'snapshot' && place.kind === 'postgres'
      ? new SnapshotHolder({
          open: async (options) => openHolderLine(place, options),
          snapshot: directory,
          who: { nodeId: 'bench', hostname: hostname() },
          instance: `bench/${randomUUID()}`,
          length: place.lease,
          log,
        })
      : undefined;
  holder?.start();
  const app = createXksApp({
    services: {
      directory,
      ...(holder === undefined ? {} : { holder }),
      tokens,
      encryptions: new EncryptionCount(leasesOf(store), () => undefined),
      // Neither quotas nor a record of uses: what is compared is the token's part.
      quotas: { take: () => 'granted', takeBoth: async () => ({ admission: 'granted', by: undefined }) },
      unfitKeys: { found: () => undefined, notOn: () => undefined, good: () => undefined },
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
