import { useState } from 'react';
import Button from '@cloudscape-design/components/button';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useList, type ItemOf } from '../api/queries.ts';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { Empty, ResourceTable } from '../parts/resource-table.tsx';
import { State, stateWord } from '../parts/state.tsx';
import { homeOf, useMay, useSession } from '../session/session.tsx';
import { appliance as t } from '../texts/appliance.ts';
import { numberText } from '../texts/locale.ts';
import { parts } from '../texts/parts.ts';
import { token as k } from '../texts/token.ts';
import { hostsReady } from './token-hosts.ts';
import { VerifyDialog } from './verify-dialog.tsx';

type Token = ItemOf<'listTokens'>;

/** The tokens of the node that answers. */
export function TokensPage() {
  const may = useMay();
  const home = homeOf(useSession().user);
  const list = useList('listTokens', undefined);
  const [verifying, setVerifying] = useState<string>();
  return (
    <Page title={t.tokensTitle} headless>
      <ResourceTable<Token>
        id="tokens"
        title={t.tokensTitle}
        description={t.tokensTitleWhy}
        list={list}
        idOf={({ name }) => name}
        nameOf={({ name }) => name}
        empty={<Empty title={t.noTokens} why={t.noTokensWhy} />}
        columns={[
          {
            id: 'name',
            header: t.name,
            isRowHeader: true,
            text: ({ name }) => name,
            cell: ({ name }) => <Link href={`${home}/tokens/${name}`}>{name}</Link>,
          },
          {
            id: 'health',
            header: t.health,
            text: ({ health }) => stateWord(health),
            cell: ({ health }) => <State of={health} />,
          },
          {
            id: 'members',
            header: t.members,
            text: ({ members }) => members.map(({ name, serial }) => `${name} ${serial ?? ''}`).join(' '),
            cell: ({ members }) => {
              const down = members.filter(({ health }) => health === 'UNAVAILABLE');
              const up = t.membersUp(members.length - down.length, members.length);
              if (down.length === 0) return up;
              return (
                <StatusIndicator type="error">
                  {t.membersDown(
                    up,
                    down.map(({ name }) => name),
                  )}
                </StatusIndicator>
              );
            },
          },
          {
            id: 'hosts',
            header: t.hosts,
            cell: (token) => hostsReady(token),
          },
          {
            id: 'load',
            header: k.loadColumn,
            cell: (token) => loadOf(token),
          },
          {
            id: 'firmware',
            header: t.firmware,
            text: ({ members }) => firmwareOf(members),
            cell: ({ members }) => firmwareOf(members),
          },
          {
            id: 'model',
            header: t.model,
            text: ({ vendor, model }) => `${vendor} ${model}`,
            cell: ({ vendor, model }) => `${vendor} ${model}`,
            width: 200,
          },
          {
            id: 'profile',
            header: t.profile,
            text: ({ profile }) => profile,
            cell: ({ profile }) => profile,
          },
          { id: 'vaults', header: t.usedBy, cell: ({ vaults }) => vaults },
          {
            id: 'verify',
            header: parts.actions,
            cell: ({ name }) =>
              may('verifyToken') && (
                <Button
                  variant="inline-link"
                  ariaLabel={`${t.verify}: ${name}`}
                  onClick={() => setVerifying(name)}
                >
                  {t.verify}
                </Button>
              ),
          },
        ]}
      />
      {verifying !== undefined && <VerifyDialog token={verifying} onClose={() => setVerifying(undefined)} />}
    </Page>
  );
}

function loadOf({ lastMinutes, queue }: Pick<Token, 'lastMinutes' | 'queue'>): string {
  const p99 = lastMinutes?.p99Milliseconds ?? null;
  return k.loadOf(
    p99 === null ? parts.none : k.milliseconds(p99),
    queue === null ? parts.none : numberText(queue.waiting),
  );
}

/** Each version once: HSMs of a group that differ are seen at once. */
function firmwareOf(members: Token['members']): string {
  const versions = [...new Set(members.flatMap(({ firmware }) => firmware ?? []))];
  return versions.length === 0 ? parts.none : versions.join(', ');
}
