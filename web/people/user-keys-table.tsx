import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { useAct, useList } from '../api/queries.ts';
import { Copyable } from '../frame/copyable.tsx';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { State, stateWord } from '../parts/state.tsx';
import { Time } from '../parts/time.tsx';
import { useMay, useSession } from '../session/session.tsx';
import { access as t } from '../texts/access.ts';
import { account } from '../texts/account.ts';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { people } from '../texts/people.ts';

type UserKey = Schemas['UserApiKey'];

/** API keys of all users here. */
export function UserKeysTable() {
  const may = useMay();
  const mayRevoke = may('revokeUserApiKey') || may('revokeApplianceUserApiKey');
  const sort = useSort(['name', '-name', 'createdAt', '-createdAt', 'expiresAt', '-expiresAt'], '-createdAt');
  const list = useKeys(sort);
  const [revoking, setRevoking] = useState<UserKey>();
  return (
    <>
      <ResourceTable<UserKey>
        inner
        id="user-api-keys"
        title={t.keys}
        description={t.keysWhy}
        list={list}
        sort={sort}
        idOf={({ id }) => id}
        nameOf={({ name, user }) => `${name}, ${user.username}`}
        empty={<Empty title={t.noKeys} why={t.noKeysWhy} />}
        columns={[
          {
            id: 'name',
            header: t.name,
            sortedAs: 'name',
            isRowHeader: true,
            text: ({ name }) => name,
            cell: ({ name }) => name,
          },
          {
            id: 'user',
            header: t.user,
            text: ({ user }) => user.username,
            cell: ({ user }) => user.username,
          },
          {
            id: 'role',
            header: people.role,
            hidden: true,
            text: ({ user }) => people.roles[user.role],
            cell: ({ user }) => people.roles[user.role],
          },
          {
            id: 'state',
            header: parts.state,
            text: ({ state }) => stateWord(state),
            cell: ({ state }) => <State of={state} />,
          },
          {
            id: 'scope',
            header: account.scope,
            text: ({ scope }) => scope.join(', '),
            cell: ({ scope }) => scope.join(', '),
            width: 240,
          },
          {
            id: 'expiresAt',
            header: account.expires,
            sortedAs: 'expiresAt',
            cell: ({ expiresAt }) => <Time at={expiresAt} />,
          },
          {
            id: 'lastUsedAt',
            header: account.lastUsed,
            cell: ({ lastUsedAt }) => <Time at={lastUsedAt} none={parts.never} />,
          },
          {
            id: 'lastAddress',
            header: account.from,
            hidden: true,
            cell: ({ lastAddress }) => lastAddress ?? parts.none,
          },
          {
            id: 'createdAt',
            header: parts.created,
            sortedAs: 'createdAt',
            hidden: true,
            cell: ({ createdAt }) => <Time at={createdAt} />,
          },
          {
            id: 'id',
            header: parts.recordId,
            hidden: true,
            text: ({ id }) => id,
            cell: ({ id }) => <Copyable text={id} what={parts.recordId} />,
          },
          ...(mayRevoke
            ? [
                {
                  id: 'revoke',
                  header: parts.actions,
                  cell: (key: UserKey) =>
                    key.state === 'LIVE' && (
                      <Button
                        variant="inline-link"
                        ariaLabel={t.revokeOf(key.name, key.user.username)}
                        onClick={() => setRevoking(key)}
                      >
                        {t.revoke}
                      </Button>
                    ),
                },
              ]
            : []),
        ]}
      />
      {revoking !== undefined && <RevokeDialog apiKey={revoking} onClose={() => setRevoking(undefined)} />}
    </>
  );
}

function useKeys(sort: 'name' | '-name' | 'createdAt' | '-createdAt' | 'expiresAt' | '-expiresAt') {
  const { vaultId } = useSession().user;
  const inVault = useList(
    'listUserApiKeys',
    { vaultId: vaultId ?? '' },
    { query: { sort }, enabled: vaultId !== null },
  );
  const ofAppliance = useList('listApplianceUserApiKeys', undefined, {
    query: { sort },
    enabled: vaultId === null,
  });
  return vaultId === null ? ofAppliance : inVault;
}

function RevokeDialog({ apiKey, onClose }: { apiKey: UserKey; onClose: () => void }) {
  const { vaultId } = useSession().user;
  const inVault = useAct('revokeUserApiKey');
  const ofAppliance = useAct('revokeApplianceUserApiKey');
  const flash = useFlash();
  const { id, name, user } = apiKey;
  return (
    <ActDialog
      title={t.revokeTitle(name, user.username)}
      submitLabel={t.revoke}
      command={commands.userKeyRevoke(id, user.username)}
      onClose={onClose}
      onSubmit={async () => {
        if (vaultId === null) await ofAppliance.mutateAsync({ params: { apiKeyId: id } });
        else await inVault.mutateAsync({ params: { vaultId, apiKeyId: id } });
        flash({ type: 'success', header: t.revoked(name, user.username) });
      }}
    >
      <Box>{t.revokeWhy}</Box>
    </ActDialog>
  );
}
