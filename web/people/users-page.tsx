import { useState } from 'react';
import Button from '@cloudscape-design/components/button';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { actsColumn } from '../parts/acts-column.tsx';
import { filtered } from '../parts/filter-in-address.ts';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { State, stateWord } from '../parts/state.tsx';
import { Time } from '../parts/time.tsx';
import { homeOf, useMay, useSession } from '../session/session.tsx';
import { access } from '../texts/access.ts';
import { parts } from '../texts/parts.ts';
import { people as t } from '../texts/people.ts';
import { UserDialog, type UserAct } from './user-dialogs.tsx';
import { useUsers, type User } from './user-calls.ts';

/** Who may sign in to the vault, or to the appliance. */
export function UsersPage() {
  const { user: me } = useSession();
  const may = useMay();
  const sort = useSort(
    ['username', '-username', 'createdAt', '-createdAt', 'updatedAt', '-updatedAt'],
    'username',
  );
  const list = useUsers(sort);
  const [open, setOpen] = useState<{ act: UserAct; user?: User }>();
  const mayChange = may('createUser') || may('createApplianceUser');
  const create = mayChange && (
    <Button variant="primary" onClick={() => setOpen({ act: 'create' })}>
      {t.create}
    </Button>
  );
  return (
    <Page title={t.users} headless>
      <ResourceTable<User>
        id="users"
        title={t.users}
        description={me.vaultId === null ? t.applianceUsersWhy : t.usersWhy}
        list={list}
        sort={sort}
        idOf={({ id }) => id}
        nameOf={({ username }) => username}
        actions={create}
        empty={<Empty title={t.none} why={t.noneWhy} />}
        columns={[
          {
            id: 'username',
            header: t.username,
            sortedAs: 'username',
            isRowHeader: true,
            text: ({ username }) => username,
            cell: ({ username }) => username,
          },
          {
            id: 'displayName',
            header: t.displayName,
            text: ({ displayName }) => displayName,
            cell: ({ displayName }) => displayName || parts.none,
          },
          {
            id: 'role',
            header: t.role,
            text: ({ role }) => t.roles[role],
            cell: ({ role }) => t.roles[role],
            width: 170,
          },
          {
            id: 'state',
            header: parts.state,
            width: 150,
            text: ({ state, locked }) => (locked ? t.locked : stateWord(state)),
            cell: ({ state, locked, mustChangePassword }) =>
              locked ? (
                <StatusIndicator type="error">{t.locked}</StatusIndicator>
              ) : (
                <State of={state} more={mustChangePassword ? t.mustChange : undefined} />
              ),
          },
          {
            id: 'factor',
            header: t.factor,
            text: ({ secondFactor }) => yesNo(secondFactor),
            cell: ({ secondFactor }) => yesNo(secondFactor),
          },
          {
            id: 'lastSignInAt',
            header: t.lastSignIn,
            cell: ({ lastSignInAt }) => <Time at={lastSignInAt} none={parts.never} />,
          },
          {
            id: 'access',
            header: access.title,
            cell: ({ username }) => (
              <Link
                href={filtered(`${homeOf(me)}/access`, ['by-user', '=', username])}
                ariaLabel={access.showOf(username)}
              >
                {access.show}
              </Link>
            ),
          },
          {
            id: 'email',
            header: t.email,
            hidden: true,
            text: ({ email }) => email,
            cell: ({ email }) => email,
          },
          {
            id: 'signIn',
            header: t.signIn,
            hidden: true,
            text: ({ signIn }) => t.signIns[signIn],
            cell: ({ signIn }) => t.signIns[signIn],
          },
          {
            id: 'createdAt',
            header: parts.created,
            sortedAs: 'createdAt',
            hidden: true,
            cell: ({ createdAt }) => <Time at={createdAt} />,
          },
          ...(mayChange
            ? [
                actsColumn({
                  nameOf: (user: User) => user.username,
                  actsOf: (user) => actsOf(user, me.id),
                  onAct: (act, user) => setOpen({ act, user }),
                }),
              ]
            : []),
        ]}
      />
      {open !== undefined && <UserDialog {...open} onClose={() => setOpen(undefined)} />}
    </Page>
  );
}

function yesNo(is: boolean): string {
  return is ? parts.yes : parts.no;
}

/** Nobody takes away their own way in by an oversight. */
function actsOf(user: User, me: string): { id: UserAct; text: string }[] {
  const isMe = user.id === me;
  return [
    { id: 'edit', text: t.edit },
    ...(user.locked ? [{ id: 'unlock' as const, text: t.unlock }] : []),
    ...(isMe
      ? []
      : [
          user.state === 'ACTIVE'
            ? { id: 'disable' as const, text: t.disable }
            : { id: 'enable' as const, text: t.enable },
        ]),
    ...(isMe ? [] : [{ id: 'reset' as const, text: t.reset }]),
    ...(user.secondFactor && !isMe ? [{ id: 'removeFactor' as const, text: t.removeFactor }] : []),
    ...(isMe ? [] : [{ id: 'remove' as const, text: t.remove }]),
  ];
}
