import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useList, type ItemOf } from '../api/queries.ts';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { actsColumn } from '../parts/acts-column.tsx';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { State, stateWord } from '../parts/state.tsx';
import { Time } from '../parts/time.tsx';
import { homeOf, useMay, useSession } from '../session/session.tsx';
import { appliance as t } from '../texts/appliance.ts';
import { node as n } from '../texts/node.ts';
import { parts } from '../texts/parts.ts';
import { actsOf, NodeDialog, type NodeAct } from './node-dialog.tsx';

type Node = ItemOf<'listNodes'>;

/** What serves from this store. */
export function NodesPage() {
  const sort = useSort(
    ['hostname', '-hostname', 'startedAt', '-startedAt', 'lastSeenAt', '-lastSeenAt'],
    'hostname',
  );
  const home = homeOf(useSession().user);
  const may = useMay();
  const [open, setOpen] = useState<{ act: NodeAct; node: Node }>();
  const list = useList('listNodes', undefined, { query: { sort } });
  return (
    <Page title={t.nodes} headless>
      <ResourceTable<Node>
        id="nodes"
        title={t.nodes}
        description={<Why nodes={list.items} />}
        list={list}
        sort={sort}
        idOf={({ id }) => id}
        nameOf={({ hostname }) => hostname}
        empty={<Empty title={t.noNodes} why={t.noNodesWhy} />}
        columns={[
          {
            id: 'hostname',
            header: t.hostname,
            sortedAs: 'hostname',
            isRowHeader: true,
            text: ({ hostname }) => hostname,
            cell: ({ id, hostname }) => <Link href={`${home}/nodes/${id}`}>{hostname}</Link>,
          },
          {
            id: 'state',
            header: parts.state,
            text: ({ state }) => stateWord(state),
            cell: ({ state }) => <State of={state} />,
          },
          {
            id: 'serves',
            header: t.serves,
            text: servesWord,
            cell: servesWord,
          },
          {
            id: 'version',
            header: t.version,
            text: ({ version }) => version,
            cell: ({ version }) => <span className="mono">{version}</span>,
            width: 190,
          },
          {
            id: 'tokens',
            header: n.tokens,
            width: 180,
            text: ({ tokens }) =>
              (tokens ?? []).map(({ name, serial }) => `${name} ${serial ?? ''}`).join(' '),
            cell: ({ tokens }) => <Tokens tokens={tokens} />,
          },
          {
            id: 'startedAt',
            header: t.started,
            sortedAs: 'startedAt',
            cell: ({ startedAt }) => <Time at={startedAt} />,
          },
          {
            id: 'lastSeenAt',
            header: t.lastSeen,
            sortedAs: 'lastSeenAt',
            cell: ({ lastSeenAt }) => <Time at={lastSeenAt} />,
          },
          {
            id: 'id',
            header: t.id,
            hidden: true,
            text: ({ id }) => id,
            cell: ({ id, hostname }) => <Copyable text={id} what={`${t.id}: ${hostname}`} />,
          },
          ...(may('drainNode')
            ? [
                actsColumn({
                  nameOf: (node: Node) => node.hostname,
                  actsOf: (node) => actsOf(node).map((act) => ({ id: act, text: t.nodeActs[act] })),
                  onAct: (act, node) => setOpen({ act, node }),
                }),
              ]
            : []),
        ]}
      />
      {open !== undefined && <NodeDialog {...open} onClose={() => setOpen(undefined)} />}
    </Page>
  );
}

/** With versions side by side something of the newer one may not be there yet; for longer than an upgrade it is a mistake. */
function Why({ nodes }: { nodes: readonly Node[] }) {
  const versions = [
    ...new Set(nodes.flatMap(({ state, version }) => (state === 'DOWN' ? [] : [version]))),
  ].toSorted();
  return (
    <>
      {t.nodesWhy}
      {versions.length > 1 && (
        <Box variant="span" display="block">
          <StatusIndicator type="warning">{n.versionsDiffer(versions)}</StatusIndicator>
        </Box>
      )}
    </>
  );
}

function Tokens({ tokens }: Pick<Node, 'tokens'>) {
  if (tokens === null) return n.notReported;
  return tokens.map(({ name, health }) => (
    <div key={name}>
      {name} <State of={health} />
    </div>
  ));
}

/** What it said last; of one that is down nothing is known. */
function servesWord({ state, serves }: Node): string {
  return state === 'DOWN' ? parts.none : serves ? parts.yes : parts.no;
}
