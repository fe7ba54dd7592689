import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import { useAct, useList, type ItemOf } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { Page } from '../frame/page.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { State, stateWord } from '../parts/state.tsx';
import { Time } from '../parts/time.tsx';
import { account as t } from '../texts/account.ts';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { useAboveAccount } from './above.ts';
import { CreateApiKeyDialog } from './create-api-key-dialog.tsx';

type ApiKey = ItemOf<'listApiKeys'>;

/** What programs sign in with that act for one. */
export function ApiKeysPage() {
  const sort = useSort(['name', '-name', 'createdAt', '-createdAt', 'expiresAt', '-expiresAt'], '-createdAt');
  const list = useList('listApiKeys', undefined, { query: { sort } });
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey>();
  const create = (
    <Button variant="primary" onClick={() => setCreating(true)}>
      {t.createKey}
    </Button>
  );
  return (
    <Page title={t.apiKeys} above={useAboveAccount()} headless>
      <ResourceTable
        id="api-keys"
        title={t.apiKeys}
        description={t.apiKeysWhy}
        list={list}
        sort={sort}
        actions={create}
        idOf={({ id }) => id}
        nameOf={({ name }) => name}
        empty={
          <Empty title={t.noKeys} why={t.noKeysWhy}>
            {create}
          </Empty>
        }
        columns={[
          {
            id: 'name',
            header: t.keyName,
            sortedAs: 'name',
            isRowHeader: true,
            text: ({ name }) => name,
            cell: ({ name }) => name,
          },
          {
            id: 'state',
            header: parts.state,
            text: ({ state }) => stateWord(state),
            cell: ({ state }) => <State of={state} />,
          },
          {
            id: 'scope',
            header: t.scope,
            text: ({ scope }) => scope.join(', '),
            cell: ({ scope }) => scope.join(', '),
            width: 240,
          },
          {
            id: 'expiresAt',
            header: t.expires,
            sortedAs: 'expiresAt',
            cell: ({ expiresAt }) => <Time at={expiresAt} />,
          },
          {
            id: 'lastUsedAt',
            header: t.lastUsed,
            cell: ({ lastUsedAt }) => <Time at={lastUsedAt} none={parts.never} />,
          },
          {
            id: 'lastAddress',
            header: t.from,
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
            id: 'revoke',
            header: parts.actions,
            cell: (key) =>
              key.state === 'LIVE' && (
                <Button
                  variant="inline-link"
                  ariaLabel={t.revokeTitle(key.name)}
                  onClick={() => setRevoking(key)}
                >
                  {t.revoke}
                </Button>
              ),
          },
        ]}
      />
      {creating && <CreateApiKeyDialog onClose={() => setCreating(false)} />}
      {revoking !== undefined && <RevokeDialog apiKey={revoking} onClose={() => setRevoking(undefined)} />}
    </Page>
  );
}

function RevokeDialog({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const revoke = useAct('revokeApiKey');
  const flash = useFlash();
  return (
    <ActDialog
      title={t.revokeTitle(apiKey.name)}
      submitLabel={t.revoke}
      command={commands.apiKeyRevoke(apiKey.name)}
      onClose={onClose}
      onSubmit={async () => {
        await revoke.mutateAsync({ params: { apiKeyId: apiKey.id } });
        flash({ type: 'success', header: t.revoked(apiKey.name) });
      }}
    >
      <Box>{t.revokeWhy}</Box>
    </ActDialog>
  );
}
