import { useRef, useState } from 'react';
import Box from '@cloudscape-design/components/box';
import { call, type Answered } from '../api/client.ts';
import type { AnswerOf } from '../api/operation-types.ts';
import { useDo } from '../api/queries.ts';
import type { InForce } from '../api/in-force.ts';
import { isProblemOf, ProblemError } from '../api/problem.ts';
import { useFlash } from '../frame/flash.tsx';
import { InForceProgress } from '../frame/in-force.tsx';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { useVaultId } from '../session/session.tsx';
import { isSessionTrouble } from '../session/trouble.ts';
import { commands } from '../texts/commands.ts';
import { inForce } from '../texts/in-force.ts';
import { keys as t } from '../texts/keys.ts';
import { isDoneInAws, Outcomes } from './outcomes.tsx';
import { SideField, type Side } from './side.tsx';
import type { CloudKey } from './use.ts';

/** A problem is one of those that say that it is done. */
type Answer = Answered<AnswerOf<'disableCloudKey'>> | 'not everywhere' | ProblemError;

/** Disables or enables each of several CloudKeys, one after another; the first that cannot be ends it. */
export function BulkDialog({
  act,
  keys,
  onClose,
}: {
  act: 'disable' | 'enable';
  keys: readonly CloudKey[];
  onClose: () => void;
}) {
  const vaultId = useVaultId();
  const flash = useFlash();
  const run = useDo();
  const [side, setSide] = useState<Side>('ours');
  const [chosen] = useState(keys);
  /** By id; what is done stays done where a session ended in between. */
  const answers = useRef(new Map<string, Answer>());
  /** Of the last that is not in force everywhere: what was done before is in it. */
  const revision = useRef<string>(undefined);
  const isDisable = act === 'disable';
  return (
    <ActDialog
      title={isDisable ? t.bulkDisable(chosen.length) : t.bulkEnable(chosen.length)}
      submitLabel={isDisable ? t.disable : t.enable}
      command={chosen
        .map(({ name, keySetName }) => commands.cloudKeyAct(act, name, keySetName, side === 'both'))
        .join('\n')}
      onClose={onClose}
      onSubmit={async () => {
        const told = () => ({
          header: t.some(answers.current.size, chosen.length),
          inForce: lastInForce([...answers.current.values()]),
          content: <NotDone keys={chosen} answers={new Map(answers.current)} />,
        });
        try {
          await run(async () => {
            for (const { id } of chosen) {
              if (answers.current.has(id)) continue;
              // Whatever it is now, it is to be so afterwards.
              const common = { params: { vaultId, cloudKeyId: id }, body: { cloud: side }, ifMatch: '*' };
              try {
                const answered = await (isDisable
                  ? call('disableCloudKey', common)
                  : call('enableCloudKey', common));
                answers.current.set(id, answered);
              } catch (problem) {
                // It is done: the others are not left as they are because one node, or a standby, has not confirmed it yet.
                if (isProblemOf(problem, 'not-in-force')) {
                  answers.current.set(id, 'not everywhere');
                  revision.current = problem.revision;
                } else if (isProblemOf(problem, 'store-not-certain')) answers.current.set(id, problem);
                else throw problem;
              }
            }
          });
        } catch (problem) {
          // Signed in again one goes on with the rest.
          if (isSessionTrouble(problem)) throw problem;
          const { content, ...rest } = told();
          flash({
            type: 'error',
            ...rest,
            content: (
              <>
                <ProblemAlert problem={problem} />
                {content}
              </>
            ),
          });
          return;
        }
        const all = [...answers.current.values()];
        const isWhole = all.every((answer) => !isUnconfirmed(answer) && isDoneInAws(answer.body.aws));
        flash({ type: isWhole ? 'success' : 'warning', ...told() });
        if (all.includes('not everywhere'))
          flash({
            type: 'warning',
            header: inForce.done,
            content: <InForceProgress of={revision.current} />,
          });
        const problem = all.find((answer) => answer instanceof ProblemError);
        if (problem !== undefined)
          flash({ type: 'warning', header: problem.title, content: <ProblemAlert problem={problem} /> });
      }}
    >
      <Box>{isDisable ? t.disableWhy : t.enableWhy}</Box>
      <ul className="plain-list">
        {chosen.map(({ id, name, keySetName }) => (
          <li key={id}>
            {name} ({keySetName})
          </li>
        ))}
      </ul>
      <SideField
        side={side}
        onSide={(next) => {
          answers.current.clear();
          setSide(next);
        }}
      />
    </ActDialog>
  );
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
    return answer === undefined || isUnconfirmed(answer) ? undefined : answer.body.aws;
  };
  const left = keys.filter(({ id }) => !isDoneInAws(awsOf(id)));
  return left.map(({ id, name }) => (
    <div key={id}>
      {name}
      <Outcomes aws={awsOf(id)} />
    </div>
  ));
}
