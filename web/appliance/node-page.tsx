import { useState } from 'react';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useParams } from 'react-router';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { useRecord } from '../api/queries.ts';
import { Copyable } from '../frame/copyable.tsx';
import { Page } from '../frame/page.tsx';
import { sentence } from '../frame/problem-alert.tsx';
import { Facts } from '../parts/facts.tsx';
import { RecordState } from '../parts/record-state.tsx';
import { State } from '../parts/state.tsx';
import { Vitals } from '../overview/vitals.tsx';
import { WholeTime } from '../parts/time.tsx';
import { homeOf, useMay, useSession } from '../session/session.tsx';
import { appliance as t } from '../texts/appliance.ts';
import { node as n } from '../texts/node.ts';
import { parts } from '../texts/parts.ts';
import { vitals } from '../texts/vitals.ts';
import { actsOf, NodeDialog, type NodeAct } from './node-dialog.tsx';

type Node = Schemas['Node'];

/** A node as it last reported: its tokens, its database, its clock. */
export function NodePage() {
  const { nodeId = '' } = useParams();
  const read = useRecord('getNode', { nodeId });
  return <RecordState read={read}>{(node) => <Known node={node} />}</RecordState>;
}

function Known({ node }: { node: Node }) {
  const home = homeOf(useSession().user);
  const may = useMay();
  const [act, setAct] = useState<NodeAct>();
  const { hostname, state, tokens, database } = node;
  return (
    <Page
      title={hostname}
      above={[{ text: t.nodes, href: `${home}/nodes` }]}
      info={<State of={state} />}
      actions={
        may('drainNode') && (
          <ButtonDropdown
            items={actsOf(node).map((id) => ({ id, text: t.nodeActs[id] }))}
            onItemClick={({ detail }) => setAct(detail.id as NodeAct)}
          >
            {parts.actions}
          </ButtonDropdown>
        )
      }
    >
      <SpaceBetween size="l">
        <Overview node={node} />
        <Database database={database} />
        {tokens === null ? (
          <Container header={<Header variant="h2">{t.tokensTitle}</Header>}>{n.notReported}</Container>
        ) : (
          tokens.map((token) => <Token key={token.name} token={token} />)
        )}
        <Vitals node={node.id} title={vitals.ofNode} />
      </SpaceBetween>
      {act !== undefined && <NodeDialog act={act} node={node} onClose={() => setAct(undefined)} />}
    </Page>
  );
}

function Overview({ node }: { node: Node }) {
  const { id, version, state, serves, leases, clockOffsetMilliseconds: offset, revision } = node;
  return (
    <Container>
      <Facts
        ids
        items={[
          [t.serves, state === 'DOWN' ? parts.none : serves ? parts.yes : parts.no],
          [
            t.version,
            <span key="version" className="mono">
              {version}
            </span>,
          ],
          [t.id, <Copyable key="id" text={id} what={t.id} />],
          [t.started, <WholeTime key="started" at={node.startedAt} />],
          [t.lastSeen, <WholeTime key="seen" at={node.lastSeenAt} />],
          [n.stopped, <WholeTime key="stopped" at={node.stoppedAt} none={parts.no} />],
          [n.drained, <WholeTime key="drained" at={node.drainedAt} none={parts.no} />],
          [n.clock, offset === null ? n.notReported : n.clockOf(offset)],
          [n.revision, revision ?? n.notReported],
          ...(leases === null
            ? []
            : ([
                [n.leases, n.leasesOf(leases.workers, leases.seconds)],
                [n.confirmed, leases.confirmedRevision ?? parts.none],
              ] as const)),
        ]}
      />
    </Container>
  );
}

function Database({ database }: { database: Node['database'] }) {
  return (
    <Container header={<Header variant="h2">{n.database}</Header>}>
      {database === null ? (
        n.notReported
      ) : (
        <SpaceBetween size="m">
          <Facts
            columns={2}
            items={[
              [n.databaseKind, n.databaseKinds[database.kind]],
              [
                n.durability,
                <span key="durability" className="mono">
                  {database.durability ?? parts.none}
                </span>,
              ],
            ]}
          />
          {database.problems.map((problem) => (
            <StatusIndicator key={problem} type="warning">
              {sentence(problem)}
            </StatusIndicator>
          ))}
        </SpaceBetween>
      )}
    </Container>
  );
}

function Token({ token }: { token: NonNullable<Node['tokens']>[number] }) {
  const { name, health, serial, label, firmware, model, hosts, hostsUp } = token;
  return (
    <Container
      header={
        <Header variant="h2" actions={<State of={health} />}>
          {n.token(name)}
        </Header>
      }
    >
      <Facts
        columns={4}
        items={[
          [t.model, model],
          [t.label, label ?? n.notOpened],
          [t.serial, serial === null ? n.notOpened : <Copyable key="serial" text={serial} what={t.serial} />],
          [t.firmware, firmware ?? n.notReported],
          [n.hosts, t.hostsOf(hostsUp, hosts)],
        ]}
      />
    </Container>
  );
}
