import { readFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { openSession } from '../src/identity/sessions.ts';
import { insertUser, newUser, type UserInput } from '../src/identity/users.ts';
import { byHand } from '../testing/by-hand.ts';
import type { TestNode } from '../testing/test-node.ts';

/** Of an act, milliseconds. */
const patience = 30_000;

export interface Answer {
  status: number;
  text: string;
  /** Its id, by which the audit trail has it. */
  request: string;
  /** The header `Holdfast-In-Force`, where there is one. */
  inForce: string;
  /** The header `Holdfast-Revision`; empty where there is none. */
  revision: string;
}

/** Whether nothing of it was sent: whoever would have taken it was not there. */
export function wasNotSent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
}

/** Of sessions. */
interface Tokens {
  vault: string;
  appliance: string;
}

/** The management API of each node, as an administrator of the vault uses it. */
export class Management {
  readonly vaultId: string;
  readonly #ports: readonly number[];
  readonly #agents: readonly Agent[];
  readonly #tokens: Tokens;

  private constructor(nodes: readonly TestNode[], vaultId: string, tokens: Tokens) {
    this.vaultId = vaultId;
    this.#ports = nodes.map(({ adminPort }) => adminPort);
    // Each act has a connection of its own: none is sent over one that its node is just closing.
    this.#agents = nodes.map(({ ca }) => new Agent({ ca: readFileSync(ca.certificate), keepAlive: false }));
    this.#tokens = tokens;
  }

  /** User and session are written into the store, which all nodes have. */
  static async signIn(nodes: readonly TestNode[]): Promise<Management> {
    const [node] = nodes;
    if (node === undefined) throw new Error('there is no node');
    return node.withStore(async ({ vaultContext, vaultId, act }) => {
      const signIn = async (of: string, username: string, role: UserInput['role']) =>
        vaultContext.store.write(byHand, async (trx) => {
          const input = { username, email: 'chaos@example.com', role };
          const user = await insertUser(trx, act(), {
            ...newUser(vaultContext, of, input),
            must_change_password: 0,
          });
          const limits = { idleMinutes: 600, maxMinutes: 600 };
          const from = {
            method: 'password',
            cookie: false,
            address: '127.0.0.1',
            userAgent: 'chaos',
          } as const;
          const opened = await openSession(trx, { context: vaultContext, limits }, act(), user, from);
          return opened.token.reveal();
        });
      return new Management(nodes, vaultId, {
        vault: await signIn(vaultId, 'chaos', 'vault-admin'),
        appliance: await signIn('', 'chaos-appliance', 'appliance-admin'),
      });
    });
  }

  /** Of what belongs to the vault. Rejects where there was no answer within half a minute. */
  async send(node: number, method: string, path: string, body: unknown): Promise<Answer> {
    return this.#send(node, method, `/api/v1/vaults/${this.vaultId}${path}`, JSON.stringify(body));
  }

  /**
   * Whether what was done is in force on every node, as one of them says; that waits five seconds for it at the most. A node that is led to
   * another store, or to one that has lost the revision, knows nothing of it.
   */
  async isInForce(node: number, revision: string): Promise<boolean> {
    const asked = revision === '' ? '' : `?revision=${revision}`;
    const { status, text: said } = await this.#send(node, 'GET', `/api/v1/in-force${asked}`, '');
    return status === 200 && (JSON.parse(said) as { inForce: boolean }).inForce;
  }

  /** How many changes that the store has lost wait for a decision. */
  async openLosses(node: number): Promise<number> {
    const { status, text: said } = await this.#send(node, 'GET', '/api/v1/lost-changes?open=true', '');
    return status === 200 ? (JSON.parse(said) as { items: unknown[] }).items.length : 0;
  }

  /** Decides that what they took away is taken away again; false where that was not answered. */
  async applyLosses(node: number): Promise<boolean> {
    const all = JSON.stringify({ lostChanges: 'all' });
    return (await this.#send(node, 'POST', '/api/v1/lost-changes/apply', all)).status === 200;
  }

  async #send(node: number, method: string, path: string, bytes: string): Promise<Answer> {
    const token = this.#tokens[path.startsWith('/api/v1/lost-changes') ? 'appliance' : 'vault'];
    return new Promise((resolve, reject) => {
      const sent = httpsRequest(
        {
          agent: this.#agents[node],
          host: 'localhost',
          port: this.#ports[node],
          method,
          path,
          headers: {
            ...(bytes === ''
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(bytes) }),
            authorization: `Bearer ${token}`,
            // Whatever the record is by then: an act that arrives late is done all the same.
            ...(path.includes('/cloud-keys/') ? { 'if-match': '*' } : {}),
          },
          signal: AbortSignal.timeout(patience),
        },
        (response) => {
          const { statusCode: status = 0, headers } = response;
          const inForce = String(headers['holdfast-in-force'] ?? '');
          const revision = String(headers['holdfast-revision'] ?? '');
          const request = String(headers['x-request-id'] ?? '');
          text(response).then((said) => resolve({ status, text: said, request, inForce, revision }), reject);
        },
      );
      sent.on('error', reject);
      sent.end(bytes);
    });
  }
}
