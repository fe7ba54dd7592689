import { useState } from 'react';
import Badge from '@cloudscape-design/components/badge';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import { useAct, useList, type ItemOf } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { Page } from '../frame/page.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Empty, ResourceTable } from '../parts/resource-table.tsx';
import { Time } from '../parts/time.tsx';
import { account as t } from '../texts/account.ts';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { useAboveAccount } from './above.ts';

type Session = ItemOf<'listSessions'>;

/** Where one is signed in. */
export function SessionsPage() {
  const list = useList('listSessions', undefined);
  const [ending, setEnding] = useState<Session>();
  return (
    <Page title={t.sessions} above={useAboveAccount()} headless>
      <ResourceTable
        id="sessions"
        title={t.sessions}
        description={t.sessionsWhy}
        list={list}
        idOf={({ id }) => id}
        nameOf={({ address }) => address}
        empty={<Empty title={t.noSessions} why={t.noSessionsWhy} />}
        columns={[
          {
            id: 'address',
            header: t.from,
            isRowHeader: true,
            text: ({ address }) => address,
            cell: ({ address, current }) => (
              <>
                {address} {current && <Badge color="green">{t.thisOne}</Badge>}
              </>
            ),
          },
          {
            id: 'with',
            header: t.with,
            text: ({ userAgent }) => userAgent,
            cell: ({ userAgent }) => userAgent,
            width: 240,
          },
          {
            id: 'method',
            header: t.method,
            text: ({ method }) => t.methods[method],
            cell: ({ method }) => t.methods[method],
          },
          { id: 'createdAt', header: t.began, cell: ({ createdAt }) => <Time at={createdAt} /> },
          { id: 'lastSeenAt', header: t.lastSeen, cell: ({ lastSeenAt }) => <Time at={lastSeenAt} /> },
          { id: 'expiresAt', header: t.ends, cell: ({ expiresAt }) => <Time at={expiresAt} /> },
          {
            id: 'end',
            header: parts.actions,
            cell: (session) =>
              !session.current && (
                <Button
                  variant="inline-link"
                  ariaLabel={`${t.end}: ${session.address}`}
                  onClick={() => setEnding(session)}
                >
                  {t.end}
                </Button>
              ),
          },
        ]}
      />
      {ending !== undefined && <EndDialog session={ending} onClose={() => setEnding(undefined)} />}
    </Page>
  );
}

function EndDialog({ session, onClose }: { session: Session; onClose: () => void }) {
  const end = useAct('endSession');
  const flash = useFlash();
  return (
    <ActDialog
      title={t.endTitle}
      submitLabel={t.end}
      command={commands.sessionEnd(session.id)}
      onClose={onClose}
      onSubmit={async () => {
        await end.mutateAsync({ params: { sessionId: session.id } });
        flash({ type: 'success', header: t.ended });
      }}
    >
      <Box>{t.endWhy(session.address)}</Box>
    </ActDialog>
  );
}
