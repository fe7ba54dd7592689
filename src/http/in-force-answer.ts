import type { Context } from 'koa';
import { Problem } from '../admin/problem.ts';
import type { AnyAnswer, Route } from '../admin/route.ts';
import { patience, type InForce, type HoldingNode, type Standing } from '../fleet/in-force.ts';
import { tellRevision } from '../fleet/told-revision.ts';
import { counted } from '../counted.ts';
import type { Changed } from '../store/act-transaction.ts';
import type { Moved } from '../store/revision-log.ts';
import { isServed } from '../store/served-changes.ts';
import { StoreError } from '../store/store-error.ts';

/**
 * Before what takes something away is answered as done: waits until every node goes by it, and tells so in `Holdfast-In-Force`. Either
 * way `Holdfast-Revision` tells by what it can be asked for again. One place for all routes. `changed` are the tables of which the act has
 * changed rows: where it has changed none, what was asked for may have been done a moment ago by somebody who still waits. Throws Problem
 * `not-in-force` where a node does not confirm in time, or the store cannot be asked any more: the change is done and stays so, but an answer of
 * success would promise more than that.
 */
export async function assertInForce(
  ctx: Pick<Context, 'set'>,
  inForce: Pick<InForce, 'wait'>,
  route: Route,
  changed: Readonly<Pick<Changed, 'moved'>> & ReadonlySet<string>,
  answered: AnyAnswer,
): Promise<void> {
  if (route.takesAway !== true || (changed.size > 0 && ![...changed].some(isServed))) return;
  const tell = (revision: Moved | undefined) => {
    if (revision !== undefined) ctx.set('Holdfast-Revision', tellRevision(revision));
  };
  // The ETag of the record as it is now: whoever goes on from here has seen it.
  const notYet = (problem: Problem): Problem => {
    if (answered.rowVersion !== undefined) ctx.set('ETag', `"${answered.rowVersion}"`);
    return problem;
  };
  const standing = await inForce.wait(patience, changed.moved).catch((error: unknown) => {
    if (!(error instanceof StoreError) || error.fault === 'in-doubt') throw error;
    tell(changed.moved);
    throw notYet(notAsked(error, changed.moved));
  });
  tell(standing.revision);
  const waiting = standing.nodes.filter(({ state }) => state === 'waiting');
  if (waiting.length > 0) throw notYet(notInForce(standing, waiting));
  ctx.set('Holdfast-In-Force', inHeader(standing));
}

/** The same, and `count` is told how long was waited, and whether every node had confirmed by then. */
export function countedInForce(
  inForce: Pick<InForce, 'wait'>,
  count: (waited: number, confirmed: boolean) => void,
): Pick<InForce, 'wait'> {
  return {
    wait: async (milliseconds, own) => {
      const standing = await inForce.wait(milliseconds, own);
      count(
        standing.waited,
        standing.nodes.every(({ state }) => state !== 'waiting'),
      );
      return standing;
    },
  };
}

/** A dictionary of structured fields (RFC 9651). */
function inHeader({ nodes, waited }: Standing): string {
  const count = (state: HoldingNode['state']): number => nodes.filter((node) => node.state === state).length;
  return `nodes=${nodes.length}, confirmed=${count('confirmed')}, ended=${count('ended')}, milliseconds=${Math.round(waited)}`;
}

/** What was committed stays so, whatever becomes of the database afterwards. */
function notAsked(error: StoreError, revision: Moved | undefined): Problem {
  return new Problem(
    'not-in-force',
    `it is done, and whether every node goes by it cannot be asked: ${error.message}`,
    {
      remediation: `what is done stays done, and needs no repetition: once the database answers, ${asksOf(revision)} tells whether it is in force on every node`,
      cause: error,
    },
  );
}

function asksOf(revision: Moved | undefined): string {
  if (revision === undefined) return 'GET /in-force (holdfast in-force)';
  const told = tellRevision(revision);
  return `GET /in-force?revision=${told} (holdfast in-force --revision ${told})`;
}

function notInForce({ nodes, revision }: Standing, waiting: readonly HoldingNode[]): Problem {
  const left = Math.max(...waiting.map((node) => node.left));
  const seconds = Math.max(1, Math.ceil(left / 1000));
  const who = waiting.map(({ id, hostname }) => `${id} (${hostname})`).join(', ');
  const confirmed = nodes.length - waiting.length;
  return new Problem(
    'not-in-force',
    `it is done, and in force on ${confirmed} of ${counted(nodes.length, 'node')}; still waiting for node ${who}, for ${seconds} s at most`,
    {
      retryAfter: seconds,
      remediation: `what is done stays done, and needs no repetition: ${asksOf(revision)} tells when it is in force on every node, in ${seconds} s at the latest`,
    },
  );
}
