import { useState } from 'react';
import Badge from '@cloudscape-design/components/badge';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { useAct, useList } from '../api/queries.ts';
import { Copyable } from '../frame/copyable.tsx';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { Time } from '../parts/time.tsx';
import { useMay, useSession } from '../session/session.tsx';
import { access as t } from '../texts/access.ts';
import { account } from '../texts/account.ts';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { people } from '../texts/people.ts';

type UserSession = Schemas['UserSession'];

/** Sessions of all users here. */
export function UserSessionsTable() {
  const may = useMay();
  const mayEnd = may('endUserSession') || may('endApplianceUserSession');
  const sort = useSort(['createdAt', '-createdAt'], '-createdAt');
  const list = useSessions(sort);
  const [ending, setEnding] = useState<UserSession>();
  return (
    <>
      <ResourceTable<UserSession>
        inner
        id="user-sessions"
        title={t.sessions}
        description={t.sessionsWhy}
        list={list}
        sort={sort}
        idOf={({ id }) => id}
        nameOf={({ user, address }) => `${user.username}, ${address}`}
        empty={<Empty title={t.noSessions} why={t.noSessionsWhy} />}
        columns={[
          {
            id: 'user',
            header: t.user,
            isRowHeader: true,
            text: ({ user }) => user.username,
            cell: ({ user, current, state }) => (
              <>
                {user.username} {current && <Badge color="green">{account.thisOne}</Badge>}
                {state !== 'ACTIVE' && <Badge>{t.notWhole}</Badge>}
              </>
            ),
          },
          {
            id: 'role',
            header: people.role,
            hidden: true,
            text: ({ user }) => people.roles[user.role],
            cell: ({ user }) => people.roles[user.role],
          },
          {
            id: 'address',
            header: account.from,
            text: ({ address }) => address,
            cell: ({ address }) => address,
          },
          {
            id: 'with',
            header: account.with,
            text: ({ userAgent }) => userAgent,
            cell: ({ userAgent }) => userAgent,
            width: 240,
          },
          {
            id: 'method',
            header: account.method,
            text: ({ method }) => account.methods[method],
            cell: ({ method }) => account.methods[method],
          },
          {
            id: 'createdAt',
            header: account.began,
            sortedAs: 'createdAt',
            cell: ({ createdAt }) => <Time at={createdAt} />,
          },
          {
            id: 'lastSeenAt',
            header: account.lastSeen,
            cell: ({ lastSeenAt }) => <Time at={lastSeenAt} />,
          },
          {
            id: 'expiresAt',
            header: account.ends,
            hidden: true,
            cell: ({ expiresAt }) => <Time at={expiresAt} />,
          },
          {
            id: 'id',
            header: parts.recordId,
            hidden: true,
            text: ({ id }) => id,
            cell: ({ id }) => <Copyable text={id} what={parts.recordId} />,
          },
          ...(mayEnd
            ? [
                {
                  id: 'end',
                  header: parts.actions,
                  cell: (session: UserSession) =>
                    !session.current && (
                      <Button
                        variant="inline-link"
                        ariaLabel={t.endOf(session.user.username, session.address)}
                        onClick={() => setEnding(session)}
                      >
                        {t.end}
                      </Button>
                    ),
                },
              ]
            : []),
        ]}
      />
      {ending !== undefined && <EndDialog session={ending} onClose={() => setEnding(undefined)} />}
    </>
  );
}

function useSessions(sort: 'createdAt' | '-createdAt') {
  const { vaultId } = useSession().user;
  const inVault = useList(
    'listUserSessions',
    { vaultId: vaultId ?? '' },
    { query: { sort }, enabled: vaultId !== null },
  );
  const ofAppliance = useList('listApplianceUserSessions', undefined, {
    query: { sort },
    enabled: vaultId === null,
  });
  return vaultId === null ? ofAppliance : inVault;
}

function EndDialog({ session, onClose }: { session: UserSession; onClose: () => void }) {
  const { vaultId } = useSession().user;
  const inVault = useAct('endUserSession');
  const ofAppliance = useAct('endApplianceUserSession');
  const flash = useFlash();
  const {
    id: sessionId,
    address,
    user: { username },
  } = session;
  return (
    <ActDialog
      title={t.endTitle(username)}
      submitLabel={t.end}
      command={commands.userSessionEnd(sessionId, username)}
      onClose={onClose}
      onSubmit={async () => {
        if (vaultId === null) await ofAppliance.mutateAsync({ params: { sessionId } });
        else await inVault.mutateAsync({ params: { vaultId, sessionId } });
        flash({ type: 'success', header: t.ended(username) });
      }}
    >
      <Box>{t.endWhy(address)}</Box>
    </ActDialog>
  );
}
