import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { TokenError } from '../faults.ts';
import { FrameCutter } from '../frame-bytes.ts';
import { readRequest, type RequestFrame } from '../request-frames.ts';
import { unasked, writeResponse, type TokenAnswer } from '../response-frames.ts';
import { isPermitted, workerRequests, type TokenRequest } from '../messages.ts';
import type { CallOptions } from './pool-entry.ts';
import type { TokenPool } from './token-pool.ts';

/** Answers that a borrower leaves unread may take so much memory, bytes. */
const maxUnread = 8 * 1024 * 1024;

/**
 * Does for another XKS worker, at the other end of `socket`, what its hosts cannot: with ours, and within the deadline that
 * it was given. It speaks as a token host does, and takes no more than a worker's host takes. What is asked is never handed
 * on to a third.
 */
export function lendHosts(pool: TokenPool, socket: Socket): void {
  const cutter = new FrameCutter();
  // A neighbour has no more of our hosts than one of our own key sets, however many ask there.
  const lane = `borrower ${randomUUID()}`;
  // At once, and whenever it changes: the borrower says by it whether requests should be sent to it.
  const tellHealth = (healthy: boolean) => {
    const told: TokenAnswer | TokenError = healthy ? { kind: 'health', value: {} } : noHealthyHost();
    if (socket.writable)
      socket.write(writeResponse({ id: unasked, microseconds: 0, learning: false, answer: told }));
  };
  socket.once('close', pool.watchHosts(tellHealth));
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    if (socket.writableLength > maxUnread) return void socket.destroy();
    try {
      for (const frame of cutter.push(chunk).map(readRequest)) void answer(pool, socket, lane, frame);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      socket.destroy();
    }
  });
}

async function answer(
  pool: TokenPool,
  socket: Socket,
  lane: string,
  { id, deadline, request }: RequestFrame,
): Promise<void> {
  let told: TokenAnswer | TokenError;
  let microseconds = 0;
  try {
    const { value, token } = await ask(pool, request, { deadline, lane, ownHostsOnly: true });
    microseconds = Math.round(token * 1000);
    told = { kind: request.kind, value } as TokenAnswer;
  } catch (error) {
    told = error instanceof TokenError ? error : new TokenError('internal', 'lent hosts');
  }
  if (socket.writable) socket.write(writeResponse({ id, microseconds, learning: false, answer: told }));
}

async function ask(
  pool: TokenPool,
  request: TokenRequest,
  options: CallOptions,
): Promise<{ value: object; token: number }> {
  // Hosts prove themselves, and learn where keys are, for the process that has them.
  if (request.kind === 'health' && pool.hasHealthyHost) return { value: {}, token: 0 };
  if (request.kind === 'health') throw noHealthyHost();
  if (request.kind === 'learn' || !isPermitted(workerRequests, request))
    throw new TokenError('internal', 'lent hosts');
  return pool.call(request, options);
}

function noHealthyHost(): TokenError {
  return new TokenError('unavailable', 'lent hosts');
}
