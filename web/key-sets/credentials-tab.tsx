import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { useList, type ItemOf } from '../api/queries.ts';
import { Copyable } from '../frame/copyable.tsx';
import { actsColumn } from '../parts/acts-column.tsx';
import { Empty, ResourceTable } from '../parts/resource-table.tsx';
import { State, stateWord } from '../parts/state.tsx';
import { Time } from '../parts/time.tsx';
import { useMay, useVaultId } from '../session/session.tsx';
import { keySets as t } from '../texts/key-sets.ts';
import { numberText } from '../texts/locale.ts';
import { parts } from '../texts/parts.ts';
import { EditCredentialDialog } from './edit-credential-dialog.tsx';
import { IssueDialog, RotateDialog, WithdrawDialog } from './credential-dialogs.tsx';

export type Credential = ItemOf<'listCredentials'>;

/** Of one that is still good while its successor takes over: which that is, and when it ends. */
function successionOf({
  state,
  successor,
  retireAfterQuietMinutes: minutes,
}: Credential): string | undefined {
  return state === 'LIVE' && successor !== null ? t.givesWay(successor, minutes) : undefined;
}

function CredentialState({ credential }: { credential: Credential }) {
  const { state, withdrawnAt } = credential;
  const succession = successionOf(credential);
  return (
    <>
      {succession === undefined ? (
        <State of={state} />
      ) : (
        <StatusIndicator type="in-progress">{`${stateWord(state)}, ${t.rotating}`}</StatusIndicator>
      )}
      {succession !== undefined && (
        <Box color="text-body-secondary" fontSize="body-s">
          {succession}
        </Box>
      )}
      {withdrawnAt !== null && (
        <Box color="text-body-secondary" fontSize="body-s">
          <Time at={withdrawnAt} />
        </Box>
      )}
    </>
  );
}

/** What AWS signs its requests with, and when each was seen last. */
export function CredentialsTab({ keySet }: { keySet: Schemas['KeySet'] }) {
  const vaultId = useVaultId();
  const may = useMay();
  const list = useList('listCredentials', { vaultId, keySetId: keySet.id });
  const [open, setOpen] = useState<
    { act: 'issue' } | { act: 'edit' | 'rotate' | 'withdraw'; credential: Credential }
  >();
  const close = () => setOpen(undefined);
  const issue = may('issueCredential') && (
    <Button onClick={() => setOpen({ act: 'issue' })}>{t.issue}</Button>
  );
  return (
    <>
      <ResourceTable<Credential>
        inner
        id="credentials"
        title={t.credentials}
        description={t.credentialsWhy}
        list={list}
        idOf={({ accessKeyId }) => accessKeyId}
        nameOf={({ accessKeyId }) => accessKeyId}
        actions={issue}
        empty={
          <Empty title={t.noCredentials} why={t.noCredentialsWhy}>
            {issue}
          </Empty>
        }
        columns={[
          {
            id: 'accessKeyId',
            header: t.accessKeyId,
            isRowHeader: true,
            width: 215,
            text: ({ accessKeyId }) => accessKeyId,
            cell: ({ accessKeyId }) => (
              <Copyable text={accessKeyId} what={`${t.accessKeyId}: ${accessKeyId}`} />
            ),
          },
          {
            id: 'state',
            header: parts.state,
            width: 190,
            text: (credential) => [stateWord(credential.state), successionOf(credential)].join(' '),
            cell: (credential) => <CredentialState credential={credential} />,
          },
          {
            id: 'lastSeenAt',
            header: t.lastSeen,
            cell: ({ lastSeenAt }) => <Time at={lastSeenAt} none={parts.never} />,
          },
          {
            id: 'requests',
            width: 105,
            header: t.requests,
            cell: ({ requests }) => numberText(requests),
          },
          {
            id: 'expiresAt',
            header: t.expires,
            cell: ({ expiresAt }) => <Time at={expiresAt} none={parts.never} />,
          },
          { id: 'createdAt', header: t.issued, cell: ({ createdAt }) => <Time at={createdAt} /> },
          {
            id: 'lastAddress',
            header: t.lastAddress,
            hidden: true,
            cell: ({ lastAddress }) => lastAddress ?? parts.none,
          },
          {
            id: 'successor',
            header: t.successor,
            hidden: true,
            cell: ({ successor }) => <span className="mono">{successor ?? parts.none}</span>,
          },
          ...(may('withdrawCredential')
            ? [
                actsColumn({
                  nameOf: (credential: Credential) => credential.accessKeyId,
                  actsOf: ({ state, successor }) =>
                    state === 'LIVE'
                      ? [
                          { id: 'edit', text: t.edit },
                          ...(successor === null ? [{ id: 'rotate' as const, text: t.rotate }] : []),
                          { id: 'withdraw', text: t.withdraw },
                        ]
                      : [],
                  onAct: (act: 'edit' | 'rotate' | 'withdraw', credential) => setOpen({ act, credential }),
                }),
              ]
            : []),
        ]}
      />
      {open?.act === 'issue' && <IssueDialog keySet={keySet} onClose={close} />}
      {open?.act === 'edit' && (
        <EditCredentialDialog
          keySetId={keySet.id}
          accessKeyId={open.credential.accessKeyId}
          onClose={close}
        />
      )}
      {open?.act === 'rotate' && (
        <RotateDialog keySet={keySet} credential={open.credential} onClose={close} />
      )}
      {open?.act === 'withdraw' && (
        <WithdrawDialog keySet={keySet} credential={open.credential} onClose={close} />
      )}
    </>
  );
}
