import { randomBytes } from 'node:crypto';
import type { TestNode } from '../../testing/test-node.ts';
import { encryptBody, requestMetadata, type KeySetAccess, type XksClient } from '../../testing/xks-client.ts';
import { waitUntil } from '../support/steady-load.ts';

/** A time in which the key has one state for all requests that are sent in it. */
interface Phase {
  state: 'usable' | 'pulled away' | 'changing';
  sent: number;
  answered: number;
}

/** A way to take a key away from AWS. */
export interface Way {
  /** Resolves once it is gone: what is sent later must be refused. */
  pull: () => Promise<void>;
  refusedWith: string;
  /** Resolves once it is back: what is sent later must succeed. */
  giveBack: () => Promise<void>;
  /** Whom the clients are from then on; the same if left out. */
  access?: () => KeySetAccess;
}

export interface Outcome {
  /** What was answered otherwise than it must be. */
  wrong: string[];
  usable: number;
  pulledAway: number;
}

interface Connection {
  client: XksClient;
  requests: Awaited<ReturnType<XksClient['sign']>>[];
}

/**
 * Encrypts and decrypts on so many connections, one request at a time on each, while a key is pulled away and given
 * back; in each phase every connection is answered about once or more often. Whether a request was sent before or after
 * is judged where it is sent: nothing is waited for between looking at the phase and sending.
 */
export async function pullAway(
  node: TestNode,
  { access, key }: { access: KeySetAccess; key: string },
  way: Way,
  { rounds, connections }: { rounds: number; connections: number },
): Promise<Outcome> {
  const outcome: Outcome = { wrong: [], usable: 0, pulledAway: 0 };
  let who = access;
  let crowd = await connect(node, who, key, connections);
  let phase: Phase = newPhase('usable');
  const load: {
    over: boolean;
    /** While it is given back nothing new is sent: what that answers nobody could judge. */
    resting: Promise<void> | undefined;
  } = { over: false, resting: undefined };
  const loop = async (index: number) => {
    for (let turn = index; !load.over; turn++) {
      // Looked at again after each wait: it may have begun in between.
      while (load.resting !== undefined) await load.resting;
      const connection = crowd[index];
      const request = connection?.requests[turn % connection.requests.length];
      if (connection === undefined || request === undefined) throw new Error('there is no such connection');
      const during = phase;
      during.sent++;
      const { status, body } = await connection.client.send(request);
      during.answered++;
      const what = `${during.state}: ${request.path.split('/').at(-1)} ${status} ${body?.errorName}`;
      if (during.state === 'pulled away' && body?.errorName !== way.refusedWith) outcome.wrong.push(what);
      // What was still under way when the key was pulled away may have met that.
      if (during.state === 'usable' && phase === during && status !== 200) outcome.wrong.push(what);
    }
  };
  const loops = Array.from({ length: connections }, async (_, index) => loop(index));
  const answered = async (during: Phase) => waitUntil(() => during.answered >= connections, 60_000, 2);
  for (let round = 0; round < rounds; round++) {
    const usable = phase;
    await answered(usable);
    const pulling = newPhase('changing');
    phase = pulling;
    await way.pull();
    const pulled = newPhase('pulled away');
    phase = pulled;
    await answered(pulled);
    phase = newPhase('changing');
    const rest = Promise.withResolvers<void>();
    load.resting = rest.promise;
    // Only once everything is answered is the key given back.
    await waitUntil(
      () => [usable, pulling, pulled].every(({ answered, sent }) => answered === sent),
      60_000,
      2,
    );
    await way.giveBack();
    const next = way.access?.() ?? who;
    if (next !== who) {
      who = next;
      for (const { client } of crowd) client.close();
      crowd = await connect(node, who, key, connections);
    }
    phase = newPhase('usable');
    load.resting = undefined;
    rest.resolve();
    outcome.usable += usable.sent;
    outcome.pulledAway += pulled.sent;
  }
  load.over = true;
  await Promise.all(loops);
  for (const { client } of crowd) client.close();
  return outcome;
}

/** Signed beforehand, so that signing costs the machine nothing in between. */
async function connect(
  node: TestNode,
  access: KeySetAccess,
  key: string,
  connections: number,
): Promise<Connection[]> {
  const first = node.client(access, { maxSockets: 1 });
  const made = await first.encrypt(key, randomBytes(32));
  if (made.status !== 200) throw new Error(`the key does not encrypt: ${made.text}`);
  const encrypted = made.body as Record<string, string>;
  const uri = `${access.uriPath}/keys/${key}`;
  const requests = await Promise.all([
    first.sign(`${uri}/encrypt`, encryptBody(randomBytes(32))),
    first.sign(`${uri}/decrypt`, {
      requestMetadata: requestMetadata('Decrypt'),
      encryptionAlgorithm: 'AES_GCM',
      ...encrypted,
    }),
    first.sign(`${uri}/encrypt`, encryptBody(randomBytes(32), { cdiv: true })),
  ]);
  first.close();
  return Array.from({ length: connections }, () => ({
    client: node.client(access, { maxSockets: 1 }),
    requests,
  }));
}

function newPhase(state: Phase['state']): Phase {
  return { state, sent: 0, answered: 0 };
}
