import { useState } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import Container from '@cloudscape-design/components/container';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useNavigate, useParams } from 'react-router';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { useStoppedFact } from '../audit/last-act.tsx';
import type { Answered } from '../api/client.ts';
import { again, useAct, useRecord, useWholeList } from '../api/queries.ts';
import { ActivityTab } from '../audit/activity-tab.tsx';
import { Copyable } from '../frame/copyable.tsx';
import { useFlash } from '../frame/flash.tsx';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { sentence } from '../frame/problem-alert.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Facts } from '../parts/facts.tsx';
import { filtered } from '../parts/filter-in-address.ts';
import { PageTabs } from '../parts/page-tabs.tsx';
import { recordFacts } from '../parts/record-facts.tsx';
import { RecordState } from '../parts/record-state.tsx';
import { State } from '../parts/state.tsx';
import { WholeTime } from '../parts/time.tsx';
import { useSeen } from '../parts/seen.tsx';
import { refusedFact } from '../requests/refused-fact.tsx';
import { homeOf, useMay, useSession, useVaultId } from '../session/session.tsx';
import { stores } from '../texts/cloud.ts';
import { commands } from '../texts/commands.ts';
import { keySets as t } from '../texts/key-sets.ts';
import { parts } from '../texts/parts.ts';
import { CredentialsTab } from './credentials-tab.tsx';
import { KeySetDialog } from './key-set-dialog.tsx';
import { factsOfKeySet } from './key-set-form.ts';

type KeySet = Schemas['KeySet'];
type Act = 'edit' | 'freeze' | 'thaw' | 'remove';

export function KeySetPage() {
  const vaultId = useVaultId();
  const { keySetId = '' } = useParams();
  const read = useRecord('getKeySet', { vaultId, keySetId });
  return (
    <RecordState read={read}>
      {(keySet, etag) => <Known keySet={keySet} etag={etag} refetch={async () => again(read)} />}
    </RecordState>
  );
}

interface Props {
  keySet: KeySet;
  etag: string;
  refetch: () => Promise<Answered<KeySet>>;
}

function Known({ keySet, etag, refetch }: Props) {
  const home = homeOf(useSession().user);
  const may = useMay();
  const [open, setOpen] = useState<{ act: Act; keySet: KeySet; etag: string }>();
  const start = (act: Act) => setOpen({ act, keySet, etag });
  const isFrozen = keySet.frozenSince.keySet !== null;
  const more = [
    ...(may('updateKeySet') ? [{ id: 'edit', text: t.edit }] : []),
    ...(may('deleteKeySet') ? [{ id: 'remove', text: t.remove }] : []),
  ];
  return (
    <Page
      title={keySet.name}
      above={[{ text: t.title, href: `${home}/key-sets` }]}
      description={keySet.description === '' ? undefined : keySet.description}
      info={<State of={keySet.state} />}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          {more.length > 0 && (
            <ButtonDropdown items={more} onItemClick={({ detail }) => start(detail.id as Act)}>
              {parts.actions}
            </ButtonDropdown>
          )}
          {may('freezeKeySet') && (
            <Button
              variant={isFrozen ? 'primary' : 'normal'}
              onClick={() => start(isFrozen ? 'thaw' : 'freeze')}
            >
              {isFrozen ? t.thaw : t.freeze}
            </Button>
          )}
        </SpaceBetween>
      }
    >
      <SpaceBetween size="l">
        {(keySet.warnings ?? []).map((warning) => (
          <Alert key={warning.code} type="warning">
            {sentence(warning.message)} {sentence(warning.remediation)}
          </Alert>
        ))}
        <PageTabs
          of={keySet.name}
          tabs={[
            { id: 'overview', label: t.overview, content: <Overview keySet={keySet} /> },
            { id: 'credentials', label: t.credentials, content: <CredentialsTab keySet={keySet} /> },
            ...(may('listAuditEvents')
              ? [{ id: 'activity', label: parts.activity, content: <ActivityTab of={keySet.id} /> }]
              : []),
          ]}
        />
      </SpaceBetween>
      {open?.act === 'edit' && (
        <KeySetDialog
          keySet={{ record: open.keySet, etag: open.etag, refetch }}
          onClose={() => setOpen(undefined)}
        />
      )}
      {open !== undefined && open.act !== 'edit' && (
        <ActOnKeySet {...open} act={open.act} refetch={refetch} onClose={() => setOpen(undefined)} />
      )}
    </Page>
  );
}

function Overview({ keySet }: { keySet: KeySet }) {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const may = useMay();
  const groups = useWholeList('listAdminGroups', { vaultId });
  const account = useRecord(
    'getCspAccount',
    { vaultId, cspAccountId: keySet.cspAccountId ?? '' },
    { enabled: keySet.cspAccountId !== null },
  );
  const stopped = useStoppedFact(
    keySet.id,
    keySet.frozenSince.keySet === null ? undefined : 'key-set.freeze',
  );
  const frozen = (Object.keys(t.frozenBy) as (keyof typeof t.frozenBy)[]).filter(
    (by) => keySet.frozenSince[by] !== null,
  );
  return (
    <Container>
      <Facts
        ids
        items={[
          [t.token, keySet.token],
          [t.uriPath, <Copyable key="path" text={keySet.xksProxyUriPath} what={t.uriPath} />],
          [
            t.keys,
            <Link
              key="keys"
              href={filtered(`${home}/cloud-keys`, ['by-keySet', '=', keySet.name])}
            >{`${t.seeKeys} (${keySet.cloudKeys})`}</Link>,
          ],
          [
            stores.title,
            <Link
              key="stores"
              href={filtered(`${home}/external-key-stores`, ['by-keySet', '=', keySet.name])}
            >
              {t.seeStores}
            </Link>,
          ],
          ...refusedFact(may, home, ['by-keySet', '=', keySet.name]),
          ...recordFacts(may, home, keySet.id),
          [
            t.group,
            keySet.adminGroupId === null
              ? t.noGroup
              : (groups.data?.find(({ id }) => id === keySet.adminGroupId)?.name ?? keySet.adminGroupId),
          ],
          [
            t.account,
            keySet.cspAccountId === null ? (
              t.noAccount
            ) : (
              <Link key="account" href={`${home}/csp-accounts/${keySet.cspAccountId}`}>
                {account.data?.body.name ?? keySet.cspAccountId}
              </Link>
            ),
          ],
          [t.forAws, keySet.externalKeyStore ? parts.yes : t.forAwsOff],
          [t.rotation, keySet.rotation.days === null ? t.never : t.every(keySet.rotation.days)],
          [
            t.quota,
            keySet.quota === null ? t.noQuota : t.quotaOf(keySet.quota.requestsPerSecond, keySet.quota.burst),
          ],
          [
            t.frozenSince,
            frozen.length === 0
              ? parts.no
              : frozen.map((by) => (
                  <div key={by}>
                    {t.frozenBy[by]}: <WholeTime at={keySet.frozenSince[by]} />
                  </div>
                )),
          ],
          ...stopped,
          [parts.created, <WholeTime key="created" at={keySet.createdAt} />],
          [parts.updated, <WholeTime key="updated" at={keySet.updatedAt} />],
        ]}
      />
    </Container>
  );
}

function ActOnKeySet({
  act,
  keySet,
  etag,
  refetch,
  onClose,
}: Props & { act: 'freeze' | 'thaw' | 'remove'; onClose: () => void }) {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const navigate = useNavigate();
  const flash = useFlash();
  const seen = useSeen({ body: keySet, etag }, refetch, factsOfKeySet);
  const freeze = useAct('freezeKeySet');
  const thaw = useAct('thawKeySet');
  const remove = useAct('deleteKeySet');
  const { name } = keySet;
  const words = {
    freeze: { title: t.freezeTitle(name), why: t.freezeWhy, submit: t.freeze, done: t.frozen(name) },
    thaw: { title: t.thawTitle(name), why: t.thawWhy, submit: t.thaw, done: t.thawed(name) },
    remove: { title: t.removeTitle(name), why: t.removeWhy, submit: t.remove, done: t.removed(name) },
  }[act];
  return (
    <ActDialog
      title={words.title}
      submitLabel={words.submit}
      command={commands.keySetAct(act === 'remove' ? 'delete' : act, name)}
      asksWhy
      onClose={onClose}
      {...(act === 'remove' ? { typed: name } : {})}
      {...seen.whenChanged}
      onSubmit={async (why) => {
        const { inForce } = await { freeze, thaw, remove }[act].mutateAsync({
          params: { vaultId, keySetId: keySet.id },
          body: why,
          ifMatch: seen.etag,
        });
        flash({ type: 'success', header: words.done, inForce });
      }}
      onDone={async () => {
        if (act === 'remove') await navigate(`${home}/key-sets`);
      }}
    >
      <Box>{words.why}</Box>
    </ActDialog>
  );
}
