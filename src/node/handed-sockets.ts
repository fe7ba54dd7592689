import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { ToWorker } from './messages.ts';

/**
 * Messages to one worker process, and sockets on their way to it. Node sends one socket after another, each when the process
 * has taken the one before; where the process ends first it forgets those that wait, and they stay open: whoever has the
 * other end waits for ever, and so does our own process when it is to end.
 */
export class HandedSockets {
  readonly #process: ChildProcess;
  readonly #waiting = new Set<Socket>();
  #ended = false;

  constructor(process: ChildProcess) {
    this.#process = process;
  }

  /** The socket is the process's from now on, or is destroyed. */
  tell(message: ToWorker, socket?: Socket): void {
    if (this.#ended || !this.#process.connected) {
      socket?.destroy();
      return;
    }
    if (socket !== undefined) this.#waiting.add(socket);
    this.#process.send(message, socket, (error) => {
      if (socket === undefined) return;
      this.#waiting.delete(socket);
      if (error !== null) socket.destroy();
    });
  }

  /** The process has ended. */
  ended(): void {
    this.#ended = true;
    for (const socket of this.#waiting) socket.destroy();
    this.#waiting.clear();
    // The one that was under way is no socket of ours any more, and Node closes it only when its arrival was told (24.21,
    // lib/internal/child_process.js: closePendingMessage).
    const { _pendingMessage: sent } = this.#process as ChildProcess & {
      _pendingMessage?: { handle?: { close: () => void } } | null;
    };
    sent?.handle?.close();
  }
}
