import { AsyncLocalStorage } from 'node:async_hooks';
import type { ChildProcess } from 'node:child_process';

/** Of the channel that is being read: what to do where its worker has written what is no message at all. */
const reading = new AsyncLocalStorage<(problem: string) => void>();
let isGuarded = false;

export interface ChannelListener {
  onMessage: (message: unknown) => void;
  /** What came is no message: the channel cannot be read any further. */
  onNonsense: (problem: string) => void;
}

/**
 * Starts a worker and hears what it says. Node parses each line of an IPC channel in the reading of it, and what throws there
 * has no one to catch it: a worker that writes into the channel's descriptor would end this process with all workers. Handles
 * that a worker sends are closed.
 */
export function openWorker(
  spawn: () => ChildProcess,
  { onMessage, onNonsense }: ChannelListener,
): ChildProcess {
  guard();
  const worker = reading.run(onNonsense, spawn);
  worker.on('message', (message: unknown, handle: unknown) => {
    // What follows from a message is not the reading of it.
    reading.exit(() => {
      if (handle === undefined) return onMessage(message);
      close(handle);
      onNonsense('a handle came with a message');
    });
  });
  return worker;
}

function close(handle: unknown): void {
  const { destroy, close } = handle as { destroy?: unknown; close?: unknown };
  const end = typeof destroy === 'function' ? destroy : close;
  if (typeof end === 'function') Reflect.apply(end, handle, []);
}

function guard(): void {
  if (isGuarded) return;
  isGuarded = true;
  process.on('uncaughtException', function onUncaught(error: Error) {
    const onNonsense = reading.getStore();
    if (onNonsense !== undefined) return onNonsense(error.message);
    // Any other is what it always was: the end of this process, with its stack.
    process.removeListener('uncaughtException', onUncaught);
    throw error;
  });
}
