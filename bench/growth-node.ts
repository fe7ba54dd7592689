import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { SqliteStore } from '../src/store/sqlite/sqlite.ts';
import { versionLabel, versionObjectId } from '../src/token/own-keys.ts';
import { byHand } from '../testing/by-hand.ts';
import { freePort } from '../testing/free-port.ts';
import { TestNode } from '../testing/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../testing/tokens.ts';
import { encryptBody, requestMetadata, XksClient, type SignedRequest } from '../testing/xks-client.ts';
import { inToken } from '../testing/in-token.ts';
import type { Cell, Results } from './growth-results.ts';
import { fillLarge, type LargeStore } from './larger-store.ts';
import { mainScript, Server } from './processes.ts';
import { NodeLog, stallProbe, toldEvery } from './stalls.ts';
import { runLoad } from './wrk.ts';

const connections = 16;

/** Start, memory and load of a node with as much, and how long its processes stand still. */
// oxlint-disable-next-line max-lines-per-function -- a measurement from its beginning to its end
export async function nodeWork(
  size: Required<LargeStore>,
  { now, seconds, results }: { now: Date; seconds: number; results: Results },
): Promise<void> {
  const fixture = await createSoftHsmToken();
  const node = await TestNode.create({
    tokens: [{ fixture, settings: { hosts: 2 } }],
    workers: 2,
    admin: true,
    realTimes: true,
    // As an operator has it: with a port of its own no worker waits for another's.
    xks: { port: await freePort() },
  });
  let server: Server | undefined;
  try {
    const words = [mainScript, '--config', node.config, 'serve'];
    const logFile = path.join(node.directory, 'growth.log');
    // Compiled code is kept from one start to the next; the first of a new installation is not the one that counts.
    await (await Server.start('holdfast serve', words, logFile)).stop();
    const access = await node.makeKeySet('bench', { prefix: 'bench' });
    const storePath = path.join(node.directory, 'state', 'holdfast.db');
    fillLarge(storePath, size, now, 'bench');
    const made = performance.now();
    await node.closeVault();
    const withObjects = await makeObjects(fixture, storePath, 'bench', size.objects);
    results.set(`${withObjects.length} key objects made in the token`, {
      milliseconds: performance.now() - made,
    });
    const store = await SqliteStore.open(storePath);
    try {
      const began = performance.now();
      server = await Server.start('holdfast serve', words, logFile, {
        env: { NODE_OPTIONS: stallProbe },
        timeout: 600_000,
      });
      const took = performance.now() - began;
      const log = new NodeLog(logFile);
      const more = `${server.residentMiB.toFixed(0)} MiB`;
      results.set('start until ready', { milliseconds: took, more });
      // With the loading of code, which is before a process serves anybody, and is told a moment later.
      await delay(2 * toldEvery);
      tell('start', log, results);
      const names = await store.db
        .selectFrom('cloud_keys')
        .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
        .select('external_key_id')
        .where('key_sets.name', '=', 'bench')
        .where('cloud_keys.state', '=', 'AVAILABLE')
        .limit(10_000)
        .execute();
      const client = new XksClient(server.port, access, { ca: node.ca.certificate });
      const metadata: SignedRequest[] = [];
      for (const { external_key_id } of names)
        metadata.push(
          await client.sign(`${access.uriPath}/keys/${external_key_id}/metadata`, {
            requestMetadata: requestMetadata('DescribeKey'),
          }),
        );
      const encrypts: SignedRequest[] = [];
      const body = encryptBody(Buffer.alloc(32, 7), { aad: Buffer.alloc(60, 3), cdiv: true });
      for (const externalKeyId of withObjects)
        encrypts.push(await client.sign(`${access.uriPath}/keys/${externalKeyId}/encrypt`, body));
      client.close();
      const running = server;
      const measured = async (what: string, requests: readonly SignedRequest[]) => {
        results.set(`${what}: p99`, await underLoad(running, requests, seconds));
        tell(what, log, results);
      };
      await measured('right after the start, encrypt', encrypts);
      await measured('GetKeyMetadata, keys come into use', metadata);
      await measured('GetKeyMetadata, keys in use', metadata);
      const changes = setInterval(() => void change(store), 1000);
      await measured('GetKeyMetadata, a change each second', metadata);
      await measured('encrypt, a change each second', encrypts);
      clearInterval(changes);
    } finally {
      await store.close();
    }
  } finally {
    await server?.stop();
    await node.dispose();
    await fixture.dispose();
  }
}

/**
 * The key objects of the first CloudKeys of the key set that are AVAILABLE, made with bare PKCS#11 in one session, some two
 * milliseconds each: a token host looks first whether there is one, which takes SoftHSM the longer the more there are. They
 * have no proof on record, as keys of before. Gives their external key ids.
 */
async function makeObjects(
  fixture: TokenFixture,
  storePath: string,
  keySet: string,
  max: number,
): Promise<string[]> {
  const raw = new Database(storePath);
  try {
    const keys = raw
      .prepare<[string, number], { id: string; external: string; keySetId: string }>(
        `SELECT c.id, c.external_key_id AS external, s.id AS keySetId FROM cloud_keys AS c
         JOIN key_sets AS s ON s.id = c.key_set_id WHERE s.name = ? AND c.state = 'AVAILABLE' AND c.expires_at IS NULL LIMIT ?`,
      )
      .all(keySet, max);
    await inToken(
      fixture,
      keys.map(({ id, external, keySetId }) => ({
        do: 'generate',
        id: versionObjectId(id, 2).toString('hex'),
        label: versionLabel(keySetId, external, 2),
      })),
    );
    const unproven = raw.prepare(
      'UPDATE key_versions SET proof = NULL WHERE cloud_key_id = ? AND version = 2',
    );
    raw.transaction(() => {
      for (const { id } of keys) unproven.run(id);
    })();
    return keys.map(({ external }) => external);
  } finally {
    raw.close();
  }
}

/** What a node's processes told of themselves since the last time. */
function tell(what: string, log: NodeLog, results: Results): void {
  const { stalls, killed, gone } = log.look();
  for (const [name, stall] of [...stalls].toSorted(([a], [b]) => a.localeCompare(b)))
    results.set(`${what}: longest stall, ${name}`, { milliseconds: NaN, stall });
  results.set(`${what}: killed, ended`, { milliseconds: NaN, more: `${killed}, ${gone}` });
}

/** The p99 of a request. */
async function underLoad(server: Server, requests: readonly SignedRequest[], seconds: number): Promise<Cell> {
  const before = server.cpuSeconds;
  const load = await runLoad({ port: server.port, connections, seconds, requests });
  const cpu = ((server.cpuSeconds - before) * 1e6) / load.requests;
  const more = `${requests.length} keys, ${load.perSecond.toFixed(0)}/s, ${cpu.toFixed(0)} µs CPU, ${server.residentMiB.toFixed(0)} MiB, ${load.errors} not 200`;
  return { milliseconds: load.p99, more };
}

/** An act on one CloudKey, as workers hear of it. */
async function change(store: SqliteStore): Promise<void> {
  await store.change(byHand, async (trx) =>
    trx
      .updateTable('cloud_keys')
      .set((eb) => ({ quota_rate: 1_000_000, row_version: eb('row_version', '+', 1) }))
      .where('external_key_id', '=', 'e0')
      .execute(),
  );
}
