import ProgressBar from '@cloudscape-design/components/progress-bar';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Badge from '@cloudscape-design/components/badge';
import Container from '@cloudscape-design/components/container';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { useList, type ItemOf } from '../api/queries.ts';
import { Copyable } from '../frame/copyable.tsx';
import { Empty, ResourceTable } from '../parts/resource-table.tsx';
import { State, stateWord } from '../parts/state.tsx';
import { Time } from '../parts/time.tsx';
import { useVaultId } from '../session/session.tsx';
import { keys as t } from '../texts/keys.ts';
import { numberText } from '../texts/locale.ts';
import { parts } from '../texts/parts.ts';
import { versions as v } from '../texts/versions.ts';

type Version = ItemOf<'listCloudKeyVersions'>;

/** Each version, and how near the current one is to its end. */
export function VersionsTab({ cloudKey }: { cloudKey: Schemas['CloudKey'] }) {
  const vaultId = useVaultId();
  const list = useList('listCloudKeyVersions', { vaultId, cloudKeyId: cloudKey.id });
  const current = list.items.find((version) => version.current);
  return (
    <SpaceBetween size="l">
      {current !== undefined && (
        <Container>
          <ProgressBar
            label={t.budget}
            description={t.budgetWhy}
            value={(current.encryptionsAtMost / 2 ** 32) * 100}
            additionalInfo={`${numberText(current.encryptionsAtMost)} / ${numberText(2 ** 32)}`}
          />
        </Container>
      )}
      <ResourceTable<Version>
        inner
        id="versions"
        title={t.versions}
        description={v.why}
        list={list}
        idOf={({ version }) => String(version)}
        nameOf={({ version }) => String(version)}
        empty={<Empty title={parts.none} why="" />}
        columns={[
          {
            id: 'version',
            header: t.version,
            isRowHeader: true,
            text: ({ version }) => String(version),
            cell: ({ version, current: isCurrent }) => (
              <>
                {version} {isCurrent && <Badge color="green">{t.current}</Badge>}
              </>
            ),
          },
          {
            id: 'state',
            header: parts.state,
            text: ({ state }) => stateWord(state),
            cell: ({ state }) => <State of={state} />,
          },
          {
            id: 'encryptions',
            header: t.encryptionsAtMost,
            cell: ({ encryptionsAtMost }) => numberText(encryptionsAtMost),
          },
          { id: 'proven', header: t.proven, width: 280, cell: (version) => <Proof version={version} /> },
          {
            id: 'lastEncrypt',
            header: t.lastEncrypt,
            cell: ({ lastEncrypt }) => <LastUse use={lastEncrypt} />,
          },
          {
            id: 'lastDecrypt',
            header: t.lastDecrypt,
            cell: ({ lastDecrypt }) => <LastUse use={lastDecrypt} />,
          },
          {
            id: 'safeToDestroy',
            header: v.safe,
            width: 240,
            cell: ({ safeToDestroy, safeToDestroyReason }) => (
              <StatusIndicator type={safeToDestroy ? 'success' : 'info'}>
                {v.reasons[safeToDestroyReason]}
              </StatusIndicator>
            ),
          },
          {
            id: 'objectId',
            header: v.objectId,
            hidden: true,
            width: 260,
            text: ({ objectId }) => objectId,
            cell: ({ version, objectId }) => <Copyable text={objectId} what={`${v.objectId}: ${version}`} />,
          },
          { id: 'createdAt', header: t.madeAt, cell: ({ createdAt }) => <Time at={createdAt} /> },
          { id: 'destroyedAt', header: t.destroyedAt, cell: ({ destroyedAt }) => <Time at={destroyedAt} /> },
        ]}
      />
    </SpaceBetween>
  );
}

/** Uses are kept by CloudKey: of a single version often no more is known than this. */
function LastUse({ use }: { use: Version['lastEncrypt'] }) {
  if (use.known === 'NEVER') return parts.never;
  if (use.known === 'AT') return <Time at={use.at} />;
  return (
    <>
      {v.notAfter} <Time at={use.at} />
    </>
  );
}

function Proof({ version: { unfit, proven } }: { version: Version }) {
  if (unfit !== null)
    return (
      <StatusIndicator type="error">
        {t.unfit}: {unfit.why}
      </StatusIndicator>
    );
  return proven ? (
    <StatusIndicator type="success">{t.isProven}</StatusIndicator>
  ) : (
    <StatusIndicator type="info">{t.notProven}</StatusIndicator>
  );
}
