import type { ReactNode } from 'react';
import { WholeTime } from '../parts/time.tsx';
import { useMay, useSession } from '../session/session.tsx';
import { parts } from '../texts/parts.ts';
import { people as t } from '../texts/people.ts';
import { actorOf, reasonOf, useEvents } from './events.ts';

export type StoppingAct = keyof typeof t.stoppedBy;

/** Who has stopped something last, when and why, for those who may read the audit log; nothing where it is not stopped. */
export function useStoppedFact(
  id: string,
  act: StoppingAct | undefined,
): readonly (readonly [string, ReactNode])[] {
  const { user } = useSession();
  const may = useMay();
  if (act === undefined || !may(user.vaultId === null ? 'listApplianceAuditEvents' : 'listAuditEvents'))
    return [];
  return [[t.stoppedBy[act], <LastAct key="stopped" on={id} act={act} />]];
}

function LastAct({ on, act }: { on: string; act: StoppingAct }) {
  const { items } = useEvents({ target: on, action: act, outcome: 'done', limit: 1 });
  const [last] = items;
  // The event may have been archived and deleted.
  if (last === undefined) return parts.none;
  const reason = reasonOf(last);
  return (
    <>
      {actorOf(last.actor)}, <WholeTime at={last.at} />
      {reason !== '' && <div>{reason}</div>}
    </>
  );
}
