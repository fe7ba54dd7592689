import ColumnLayout from '@cloudscape-design/components/column-layout';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Box from '@cloudscape-design/components/box';
import { Json } from '../cloud/account-policy.tsx';
import { CommandLine } from '../frame/command.tsx';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import { Facts } from '../parts/facts.tsx';
import { Sought } from '../parts/sought.tsx';
import { WholeTime } from '../parts/time.tsx';
import { homeOf, useSession } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { frame } from '../texts/frame.ts';
import { parts } from '../texts/parts.ts';
import { people as t } from '../texts/people.ts';
import { actorOf, isSequence, reasonOf, useEvents, type Event } from './events.ts';

export function Outcome({ of }: { of: Event['outcome'] }) {
  return <StatusIndicator type={of === 'done' ? 'success' : 'error'}>{t.outcomes[of]}</StatusIndicator>;
}

interface Props {
  /** As the address has it. */
  sequence: string;
  /** Where the list has it already. */
  known: Event | undefined;
  onClose: () => void;
}

/** All of an event, with what was before and what after. */
export function EventPanel({ sequence, known, onClose }: Props) {
  const isAsked = known === undefined && isSequence(sequence);
  const asked = useEvents({ sequence: Number(sequence) }, isAsked);
  const event = known ?? asked.items[0];
  return (
    <Modal visible size="large" header={t.event(sequence)} closeAriaLabel={frame.close} onDismiss={onClose}>
      {event === undefined ? (
        <Sought list={asked} isAsked={isAsked} none={t.noEvent} />
      ) : (
        <Told event={event} />
      )}
    </Modal>
  );
}

function Told({ event }: { event: Event }) {
  const home = homeOf(useSession().user);
  return (
    <SpaceBetween size="l">
      <Facts
        columns={2}
        ids
        items={[
          [t.when, <WholeTime key="at" at={event.at} />],
          [t.who, actorOf(event.actor)],
          [
            t.action,
            <span key="action" className="mono">
              {event.action}
            </span>,
          ],
          [t.target, <Target key="target" of={event.target} />],
          [t.outcome, <Outcome key="outcome" of={event.outcome} />],
          ...(reasonOf(event) === '' ? [] : [[parts.reason, reasonOf(event)] as const]),
          [t.from, event.address || parts.none],
          [t.requestId, <Copyable key="request" text={event.requestId} what={t.requestId} />],
          [
            parts.address,
            <Copyable
              key="address"
              text={`${window.location.origin}${home}/audit?event=${event.sequence}`}
              what={parts.address}
            />,
          ],
        ]}
      />
      <ColumnLayout columns={2}>
        <Side title={t.before} value={event.before} />
        <Side title={t.after} value={event.after} />
      </ColumnLayout>
      <CommandLine command={commands.auditEvent(event.sequence)} />
    </SpaceBetween>
  );
}

/** Beneath the home of a vault. */
const pagesOf: Readonly<Record<string, string>> = {
  'cloud-key': 'cloud-keys',
  'key-set': 'key-sets',
  'csp-account': 'csp-accounts',
};

/** With the way to what has a page of its own. */
function Target({ of: { kind, id, name } }: { of: Event['target'] }) {
  const { user } = useSession();
  const page = user.vaultId === null ? undefined : pagesOf[kind];
  if (page === undefined || id === '') return <>{`${kind} ${name || id}`}</>;
  return (
    <>
      {kind} <Link href={`${homeOf(user)}/${page}/${id}`}>{name || id}</Link>
    </>
  );
}

function Side({ title, value }: { title: string; value: Record<string, unknown> | null }) {
  return (
    <div>
      <Box variant="awsui-key-label">{title}</Box>
      {value === null ? parts.none : <Json text={JSON.stringify(value, undefined, 2)} label={title} />}
    </div>
  );
}
