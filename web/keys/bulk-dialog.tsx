import { useRef, useState } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import type { InForce } from '../api/in-force.ts';
import { useDo } from '../api/queries.ts';
import { isProblemOf, ProblemError } from '../api/problem.ts';
import { useFlash } from '../frame/flash.tsx';
import { InForceProgress } from '../frame/in-force.tsx';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { ActDialog, type Why } from '../parts/act-dialog.tsx';
import { Time } from '../parts/time.tsx';
import { useVaultId } from '../session/session.tsx';
import { isSessionTrouble } from '../session/trouble.ts';
import { inForce } from '../texts/in-force.ts';
import { keys as t } from '../texts/keys.ts';
import { parts } from '../texts/parts.ts';
import { commandOf, doToOne, type BulkAct, type BulkOutcome } from './bulk-acts.ts';
import { DaysField, isWaitingTime } from './days-field.tsx';
import { isDoneInAws, Outcomes } from './outcomes.tsx';
import { SideField, type Side } from './side.tsx';
import { lastUse, wasUsedLately, type CloudKey } from './use.ts';

/** A problem is one of those that say that it is done. */
type Answer = BulkOutcome | 'not everywhere' | ProblemError;

interface Props {
  act: BulkAct;
  keys: readonly CloudKey[];
  onClose: () => void;
}

/** Does the same to each of several CloudKeys, one after another; the first that it cannot be done to ends it. */
export function BulkDialog({ act, keys, onClose }: Props) {
  const vaultId = useVaultId();
  const flash = useFlash();
  const run = useDo();
  const [side, setSide] = useState<Side>('ours');
  const [days, setDays] = useState('30');
  const [chosen] = useState(keys);
  /** By id; what is done stays done where a session ended in between. */
  const answers = useRef(new Map<string, Answer>());
  /** Of the last that is not in force everywhere: what was done before is in it. */
  const revision = useRef<string>(undefined);
  const choice = { act, side, days };
  const change = (to: () => void) => {
    answers.current.clear();
    to();
  };
  const doAll = async (why: Why) => {
    for (const key of chosen) {
      if (answers.current.has(key.id)) continue;
      try {
        answers.current.set(key.id, await doToOne(vaultId, choice, key, why));
      } catch (problem) {
        // It is done: the others are not left as they are because one node, or a standby, has not confirmed it yet.
        if (isProblemOf(problem, 'not-in-force')) {
          answers.current.set(key.id, 'not everywhere');
          revision.current = problem.revision;
        } else if (isProblemOf(problem, 'store-not-certain')) answers.current.set(key.id, problem);
        else throw problem;
      }
    }
  };
  const tell = (failure?: { problem: unknown }) => {
    const all = [...answers.current.values()];
    const isWhole = all.every((answer) => !isUnconfirmed(answer) && isDoneInAws(answer.aws));
    flash({
      type: failure !== undefined ? 'error' : isWhole ? 'success' : 'warning',
      header: t.some(all.length, chosen.length),
      inForce: lastInForce(all),
      content: (
        <>
          {failure !== undefined && <ProblemAlert problem={failure.problem} />}
          <NotDone keys={chosen} answers={new Map(answers.current)} />
        </>
      ),
    });
    if (all.includes('not everywhere'))
      flash({ type: 'warning', header: inForce.done, content: <InForceProgress of={revision.current} /> });
    const uncertain = all.find((answer) => answer instanceof ProblemError);
    if (uncertain !== undefined)
      flash({ type: 'warning', header: uncertain.title, content: <ProblemAlert problem={uncertain} /> });
  };
  return (
    <ActDialog
      title={t.bulk[act](chosen.length)}
      submitLabel={{ disable: t.disable, enable: t.enable, rotate: t.rotate, remove: t.deleteSubmit }[act]}
      command={chosen.map((key) => commandOf(choice, key)).join('\n')}
      onClose={onClose}
      {...(act === 'remove' ? { typed: typedFor(chosen) } : {})}
      disabled={act === 'remove' && !isWaitingTime(days)}
      asksWhy={act !== 'rotate'}
      onSubmit={async (why) => {
        try {
          await run(async () => doAll(why));
        } catch (problem) {
          // Signed in again one goes on with the rest.
          if (isSessionTrouble(problem)) throw problem;
          return tell({ problem });
        }
        tell();
      }}
    >
      <Box>{t.bulkWhy[act]}</Box>
      <ul className="plain-list">
        {chosen.map(({ id, name, keySetName, use }) => (
          <li key={id}>
            {name} ({keySetName})
            {act === 'remove' && (
              <>
                {', '}
                {t.usedLast}: <Time at={lastUse(use)} none={parts.never} />
              </>
            )}
          </li>
        ))}
      </ul>
      {act === 'remove' && chosen.some(wasUsedLately) && <Alert type="warning">{t.bulkDeleteUsed}</Alert>}
      {act === 'remove' && <DaysField days={days} onDays={(next) => change(() => setDays(next))} />}
      {act !== 'rotate' && <SideField side={side} onSide={(next) => change(() => setSide(next))} />}
    </ActDialog>
  );
}

function typedFor(keys: readonly CloudKey[]): string {
  const [only] = keys;
  return keys.length === 1 && only !== undefined ? only.name : t.bulkTyped(keys.length);
}

function isUnconfirmed(answer: Answer): answer is 'not everywhere' | ProblemError {
  return answer === 'not everywhere' || answer instanceof ProblemError;
}

/**
 * On how many nodes all of it is in force: an answer counts for what was done before it as well, so the last one's does. Undefined
 * where a node is still waited for.
 */
function lastInForce(answers: readonly Answer[]): InForce | undefined {
  const told = answers.map((answer) => (isUnconfirmed(answer) ? undefined : answer.inForce));
  const last = told.at(-1);
  if (last === undefined || told.includes(undefined)) return undefined;
  return { ...last, milliseconds: Math.max(...told.map((one) => one?.milliseconds ?? 0)) };
}

/** Those that AWS did not do at once, with what came of each. */
function NotDone({ keys, answers }: { keys: readonly CloudKey[]; answers: ReadonlyMap<string, Answer> }) {
  const awsOf = (id: string) => {
    const answer = answers.get(id);
    return answer === undefined || isUnconfirmed(answer) ? undefined : answer.aws;
  };
  const left = keys.filter(({ id }) => !isDoneInAws(awsOf(id)));
  return left.map(({ id, name }) => (
    <div key={id}>
      {name}
      <Outcomes aws={awsOf(id)} />
    </div>
  ));
}
