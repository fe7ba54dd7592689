import type { Act } from '../evidence/trail.ts';
import { leaveUnrecorded } from '../store/act-transaction.ts';
import type { UnfinishedWorkTable } from '../store/schema.ts';
import type { ChangeTransaction } from '../store/store.ts';
import type { VaultContext } from './context.ts';
import { paced } from './paced.ts';
import { systemAct } from './system-act.ts';

/*
 * Acts whose promise is kept by one small write, and that leave thousands of rows to be brought after it: the end of a
 * vault, the removal of a key set, the due times of a new rotation schedule. The first rows are brought in the transaction
 * of the act, so that most such acts leave nothing; the rest stands in the store as work that is not finished, and the
 * schedule brings it to its end, wherever a process was stopped.
 */

export type UnfinishedKind = UnfinishedWorkTable['kind'];

/** Rows that one transaction writes at the most, give or take a few: some milliseconds. */
export const rowsPerBatch = 100;

/**
 * Does about so many rows more of what is left, and says where it has come to; undefined where nothing is left. Whether
 * any step was done before makes no difference to it.
 */
export type Step = (
  trx: ChangeTransaction,
  act: Act,
  work: { id: string; after: string },
  max: number,
) => Promise<string | undefined>;

/** Does the first of the work within the act, and leaves the rest to the schedule. Answers whether it is finished. */
export async function beginWork(
  trx: ChangeTransaction,
  act: Act,
  kind: UnfinishedKind,
  id: string,
  step: Step,
): Promise<boolean> {
  return keepPlace(trx, kind, id, await step(trx, act, { id, after: '' }, rowsPerBatch));
}

/** Keeps where the work is to go on, if it is. Answers whether nothing is left. */
async function keepPlace(
  trx: ChangeTransaction,
  kind: UnfinishedKind,
  id: string,
  after: string | undefined,
): Promise<boolean> {
  if (after === undefined)
    await trx.deleteFrom('unfinished_work').where('kind', '=', kind).where('id', '=', id).execute();
  else
    await trx
      .insertInto('unfinished_work')
      .values({ kind, id, after, began_at: trx.at.toISOString() })
      .onConflict((conflict) => conflict.columns(['kind', 'id']).doUpdateSet({ after }))
      .execute();
  return after === undefined;
}

/** Works off what acts have left; answers how much of it is finished now. One that fails holds up no other. */
export async function finishWork(
  context: VaultContext,
  steps: Readonly<Record<UnfinishedKind, Step>>,
  mayGoOn?: () => Promise<boolean>,
): Promise<number> {
  const left = await context.store.db
    .selectFrom('unfinished_work')
    .selectAll()
    .orderBy('began_at')
    .limit(200)
    .execute();
  let finished = 0;
  let failure: unknown;
  for (const { kind, id } of left)
    try {
      await paced(async () => {
        const isDone = await stepOn(context, steps[kind], kind, id);
        if (isDone) finished++;
        return !isDone;
      }, mayGoOn);
    } catch (error) {
      failure ??= error;
    }
  if (failure !== undefined) throw failure;
  return finished;
}

/** Whether nothing of it is left. */
async function stepOn(context: VaultContext, step: Step, kind: UnfinishedKind, id: string): Promise<boolean> {
  const act = systemAct(context, 'schedule');
  return context.store.change(act, async (trx) => {
    leaveUnrecorded(trx, 'rest of an act');
    // As it stands in this transaction: it may have been begun anew.
    const work = await trx
      .selectFrom('unfinished_work')
      .selectAll()
      .where('kind', '=', kind)
      .where('id', '=', id)
      .executeTakeFirst();
    if (work === undefined) return true;
    return keepPlace(trx, kind, id, await step(trx, act, work, rowsPerBatch));
  });
}
