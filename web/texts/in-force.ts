import type { InForce } from '../api/in-force.ts';

/* Where what was taken away is in force. */

const nodesOf = (n: number) => (n === 1 ? '1 node' : `${n} nodes`);

/** Undefined where every node asks the store at each request: it is in force at once. */
export function inForceWords({ nodes, confirmed, ended, milliseconds }: InForce): string | undefined {
  if (nodes === 0) return undefined;
  const silent =
    ended === 0
      ? ''
      : `; ${ended} ${ended === 1 ? 'was' : 'were'} not heard and serve${ended === 1 ? 's' : ''} nothing any more`;
  return `In force on ${confirmed} of ${nodesOf(nodes)}, after ${(milliseconds / 1000).toFixed(1)} s${silent}.`;
}

export const inForce = {
  done: 'It is done, and on its way to every node',
  waiting: (confirmed: number, nodes: number) => `In force on ${confirmed} of ${nodesOf(nodes)}.`,
  waitsFor: (hostname: string, seconds: number) =>
    `Waits for node ${hostname}: for ${Math.ceil(seconds)} s at most, then it serves nothing any more.`,
  everywhere: 'It is in force on every node.',
  asking: 'Asking the nodes',
} as const;
