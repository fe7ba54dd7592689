import { useState } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Steps from '@cloudscape-design/components/steps';
import { useParams } from 'react-router';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { Answered } from '../api/client.ts';
import { pace } from '../api/looks.ts';
import { again, useAct, useRecord } from '../api/queries.ts';
import { ActivityTab } from '../audit/activity-tab.tsx';
import { CommandLine } from '../frame/command.tsx';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { ProblemAlert, sentence } from '../frame/problem-alert.tsx';
import { Facts } from '../parts/facts.tsx';
import { PageTabs } from '../parts/page-tabs.tsx';
import { filtered } from '../parts/filter-in-address.ts';
import { recordFacts } from '../parts/record-facts.tsx';
import { RecordState } from '../parts/record-state.tsx';
import { State } from '../parts/state.tsx';
import { Time, WholeTime } from '../parts/time.tsx';
import { refusedFact } from '../requests/refused-fact.tsx';
import { homeOf, useMay, useSession, useVaultId } from '../session/session.tsx';
import { useSubmit } from '../session/use-submit.ts';
import { stores as t } from '../texts/cloud.ts';
import { commands } from '../texts/commands.ts';
import { keySets } from '../texts/key-sets.ts';
import { parts } from '../texts/parts.ts';
import { storeEdit, storeHealth } from '../texts/store-edit.ts';
import { StoreDialog, type StoreAct } from './store-dialogs.tsx';
import { StoreState } from './store-state.tsx';
import { Doctor } from './store-doctor.tsx';

type Store = Schemas['ExternalKeyStore'];

export function StorePage() {
  const vaultId = useVaultId();
  const { keySetId = '', externalKeyStoreId = '' } = useParams();
  const read = useRecord(
    'getExternalKeyStore',
    { vaultId, keySetId, externalKeyStoreId },
    { every: ({ wanted, state }) => (wanted !== null || state.endsWith('ING') ? pace.pending : pace.list) },
  );
  return (
    <RecordState read={read}>
      {(store, etag) => <Known store={store} etag={etag} refetch={async () => again(read)} />}
    </RecordState>
  );
}

interface Props {
  store: Store;
  etag: string;
  refetch: () => Promise<Answered<Store>>;
}

function Known({ store, etag, refetch }: Props) {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const may = useMay();
  const [open, setOpen] = useState<{ act: StoreAct; store: Store; etag: string }>();
  const refresh = useAct('refreshExternalKeyStore');
  const look = useSubmit(async () => {
    await refresh.mutateAsync({
      params: { vaultId, keySetId: store.keySetId, externalKeyStoreId: store.id },
    });
  });
  const isByHand = store.origin === 'MANUAL';
  const more: { id: StoreAct; text: string }[] = [
    ...(may('updateExternalKeyStore') ? [{ id: 'edit' as const, text: isByHand ? t.tell : t.edit }] : []),
    ...(may('rotateExternalKeyStoreCredential') ? [{ id: 'rotate' as const, text: t.rotate }] : []),
    ...(may('getExternalKeyStoreConsole') && isByHand ? [{ id: 'console' as const, text: t.values }] : []),
    ...(may('disconnectExternalKeyStore') && !isByHand && store.state === 'CONNECTED'
      ? [{ id: 'disconnect' as const, text: t.disconnect }]
      : []),
    ...(may('deleteExternalKeyStore') ? [{ id: 'remove' as const, text: t.remove }] : []),
  ];
  const mayConnect =
    may('connectExternalKeyStore') &&
    !isByHand &&
    (store.state === 'DISCONNECTED' || store.state === 'FAILED');
  return (
    <Page
      title={store.name}
      above={[{ text: t.title, href: `${home}/external-key-stores` }]}
      info={<StoreState store={store} />}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          {may('refreshExternalKeyStore') && !isByHand && (
            <Button iconName="refresh" loading={look.busy} onClick={look.submit}>
              {t.refresh}
            </Button>
          )}
          {more.length > 0 && (
            <ButtonDropdown
              items={more}
              onItemClick={({ detail }) => setOpen({ act: detail.id as StoreAct, store, etag })}
            >
              {parts.actions}
            </ButtonDropdown>
          )}
          {mayConnect && (
            <Button variant="primary" onClick={() => setOpen({ act: 'connect', store, etag })}>
              {t.connect}
            </Button>
          )}
        </SpaceBetween>
      }
    >
      <SpaceBetween size="l">
        {look.problem !== undefined && <ProblemAlert problem={look.problem} />}
        <Connection store={store} />
        <PageTabs
          of={store.name}
          tabs={[
            { id: 'overview', label: storeHealth.overview, content: <Overview store={store} /> },
            ...(may('listAuditEvents')
              ? [{ id: 'activity', label: parts.activity, content: <ActivityTab of={store.id} /> }]
              : []),
          ]}
        />
      </SpaceBetween>
      {open !== undefined && <StoreDialog {...open} refetch={refetch} onClose={() => setOpen(undefined)} />}
    </Page>
  );
}

function Overview({ store }: { store: Store }) {
  return (
    <SpaceBetween size="l">
      <Configuration store={store} />
      <Credentials store={store} />
      <Doctor store={store} />
    </SpaceBetween>
  );
}

/** What stands against the connection, in words with the one next act; or how far it is. */
function Connection({ store }: { store: Store }) {
  const { connectionError, problem, warnings, state, wanted } = store;
  return (
    <>
      {(state === 'CONNECTING' || wanted === 'CONNECT') && (
        <Alert type="info" header={t.connecting}>
          <SpaceBetween size="s">
            <div>{t.connectingWhy}</div>
            <div>
              {storeEdit.since}: <WholeTime at={store.updatedAt} />
            </div>
            <Steps
              ariaLabel={t.connecting}
              steps={[
                { header: t.stepCreate, status: store.customKeyStoreId === null ? 'loading' : 'success' },
                { header: t.stepConnect, status: store.customKeyStoreId === null ? 'pending' : 'loading' },
              ]}
            />
          </SpaceBetween>
        </Alert>
      )}
      {connectionError !== null && (
        <Alert type="error" header={`${t.failed}: ${connectionError.code}`}>
          <SpaceBetween size="s">
            <Facts
              columns={1}
              items={[
                [t.meaning, sentence(connectionError.meaning)],
                [t.cause, sentence(connectionError.cause)],
                [t.wayOut, sentence(connectionError.remediation)],
              ]}
            />
            <CommandLine command={commands.doctor(store)} label={t.doctor} />
          </SpaceBetween>
        </Alert>
      )}
      {problem !== null && (
        <Alert type="error" header={`${t.problem}: ${problem.code}`}>
          <div>{sentence(problem.message)}</div>
          <div>{sentence(problem.remediation)}</div>
          <WholeTime at={problem.at} />
        </Alert>
      )}
      {warnings.map((warning) => (
        <Alert key={warning.code} type="warning">
          {sentence(warning.message)} {sentence(warning.remediation)}
        </Alert>
      ))}
    </>
  );
}

function Configuration({ store }: { store: Store }) {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const may = useMay();
  const account = useRecord(
    'getCspAccount',
    { vaultId, cspAccountId: store.cspAccountId ?? '' },
    { enabled: store.cspAccountId !== null, every: pace.rare },
  );
  return (
    <Container header={<Header variant="h2">{t.configuration}</Header>}>
      <SpaceBetween size="l">
        <Facts
          ids
          items={[
            [
              t.keySet,
              <Link key="set" href={`${home}/key-sets/${store.keySetId}`}>
                {store.keySetName}
              </Link>,
            ],
            [
              keySets.account,
              store.cspAccountId === null ? (
                keySets.noAccount
              ) : (
                <Link key="account" href={`${home}/csp-accounts/${store.cspAccountId}`}>
                  {account.data?.body.name ?? store.cspAccountId}
                </Link>
              ),
            ],
            [t.region, store.region],
            [
              keySets.keys,
              <Link key="keys" href={filtered(`${home}/cloud-keys`, ['by-keySet', '=', store.keySetName])}>
                {t.seeKeys}
              </Link>,
            ],
            ...refusedFact(may, home, ['by-keySet', '=', store.keySetName]),
            ...recordFacts(may, home, store.id),
            [t.id, <Copyable key="id" text={store.customKeyStoreId} what={t.id} />],
            [t.endpoint, <Copyable key="endpoint" text={store.uriEndpoint} what={t.endpoint} />],
            [t.uriPath, <Copyable key="path" text={store.uriPath} what={t.uriPath} />],
            [t.connectivity, t.connectivities[store.connectivity]],
            [t.service, store.vpcEndpointServiceName ?? parts.none],
            [t.owner, store.vpcEndpointServiceOwner ?? parts.none],
            [t.origin, t.origins[store.origin]],
            [t.since, <WholeTime key="seen" at={store.checkedAt} none={parts.never} />],
            [t.next, <WholeTime key="next" at={store.nextCheckAt} />],
            [parts.created, <WholeTime key="created" at={store.createdAt} />],
          ]}
        />
        {may('refreshExternalKeyStore') && store.origin !== 'MANUAL' && (
          <CommandLine command={commands.storeRefresh(store)} label={t.refreshCommand} />
        )}
      </SpaceBetween>
    </Container>
  );
}

function Credentials({ store: { credentials, keySetId } }: { store: Store }) {
  const home = homeOf(useSession().user);
  if (credentials.length === 0) return null;
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={<Link href={`${home}/key-sets/${keySetId}?tab=credentials`}>{t.allCredentials}</Link>}
        >
          {t.credentials}
        </Header>
      }
    >
      <SpaceBetween size="xs">
        {credentials.map(({ accessKeyId, role, state, lastSeenAt }) => (
          <div key={accessKeyId} className="row">
            <Copyable text={accessKeyId} />
            <span>{t.roles[role]}</span>
            <State of={state} />
            <span>
              {t.lastSeen}: <Time at={lastSeenAt} none={parts.never} />
            </span>
          </div>
        ))}
      </SpaceBetween>
    </Container>
  );
}
