import { useState } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useNavigate, useParams } from 'react-router';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { Answered } from '../api/client.ts';
import { again, useAct, useRecord, useWholeList } from '../api/queries.ts';
import { ActivityTab } from '../audit/activity-tab.tsx';
import { CommandLine } from '../frame/command.tsx';
import { Copyable } from '../frame/copyable.tsx';
import { useFlash } from '../frame/flash.tsx';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { ProblemAlert, sentence } from '../frame/problem-alert.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Facts } from '../parts/facts.tsx';
import { PageTabs } from '../parts/page-tabs.tsx';
import { recordFacts } from '../parts/record-facts.tsx';
import { RecordState } from '../parts/record-state.tsx';
import { WholeTime } from '../parts/time.tsx';
import { useSeen } from '../parts/seen.tsx';
import { homeOf, useMay, useSession, useVaultId } from '../session/session.tsx';
import { useSubmit } from '../session/use-submit.ts';
import { accounts as t } from '../texts/cloud.ts';
import { commands } from '../texts/commands.ts';
import { kmsKeyProgress } from '../texts/kms-keys.ts';
import { parts } from '../texts/parts.ts';
import { AccountDialog } from './account-dialog.tsx';
import { factsOfAccount } from './account-form.ts';
import { AccountPolicy } from './account-policy.tsx';
import { CheckState } from './accounts-page.tsx';

type CspAccount = Schemas['CspAccount'];

export function AccountPage() {
  const vaultId = useVaultId();
  const { cspAccountId = '' } = useParams();
  const read = useRecord('getCspAccount', { vaultId, cspAccountId });
  return (
    <RecordState read={read}>
      {(account, etag) => <Known account={account} etag={etag} refetch={async () => again(read)} />}
    </RecordState>
  );
}

interface Props {
  account: CspAccount;
  etag: string;
  refetch: () => Promise<Answered<CspAccount>>;
}

function Known({ account, etag, refetch }: Props) {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const may = useMay();
  const flash = useFlash();
  const [open, setOpen] = useState<{
    act: 'edit' | 'rotate' | 'remove';
    account: CspAccount;
    etag: string;
  }>();
  const check = useAct('checkCspAccount');
  const { submit, busy, problem } = useSubmit(async () => {
    await check.mutateAsync({ params: { vaultId, cspAccountId: account.id }, ifMatch: etag });
    flash({ type: 'success', header: t.checkDone(account.name) });
  });
  const more = may('updateCspAccount')
    ? [
        { id: 'edit', text: t.edit },
        ...(account.accessKeyId === null ? [] : [{ id: 'rotate', text: t.rotate }]),
        { id: 'remove', text: t.remove },
      ]
    : [];
  return (
    <Page
      title={account.name}
      above={[{ text: t.title, href: `${home}/csp-accounts` }]}
      description={account.description === '' ? undefined : account.description}
      info={<CheckState account={account} />}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          {more.length > 0 && (
            <ButtonDropdown
              items={more}
              onItemClick={({ detail }) => setOpen({ act: detail.id as 'edit', account, etag })}
            >
              {parts.actions}
            </ButtonDropdown>
          )}
          {may('checkCspAccount') && account.type !== 'manual' && (
            <Button variant="primary" loading={busy} onClick={submit}>
              {t.checkNow}
            </Button>
          )}
        </SpaceBetween>
      }
    >
      <SpaceBetween size="l">
        {problem !== undefined && <ProblemAlert problem={problem} />}
        <PageTabs
          of={account.name}
          tabs={[
            { id: 'overview', label: t.overview, content: <Overview account={account} /> },
            { id: 'policy', label: t.policy, content: <AccountPolicy account={account} /> },
            ...(may('listAuditEvents')
              ? [{ id: 'activity', label: parts.activity, content: <ActivityTab of={account.id} /> }]
              : []),
          ]}
        />
      </SpaceBetween>
      {open?.act === 'edit' && (
        <AccountDialog
          account={{ record: open.account, etag: open.etag, refetch }}
          onClose={() => setOpen(undefined)}
        />
      )}
      {open !== undefined && open.act !== 'edit' && (
        <ActOnAccount {...open} act={open.act} refetch={refetch} onClose={() => setOpen(undefined)} />
      )}
    </Page>
  );
}

function Overview({ account }: { account: CspAccount }) {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const may = useMay();
  const groups = useWholeList('listAdminGroups', { vaultId });
  const keySets = useWholeList('listKeySets', { vaultId }, { query: { sort: 'name' } });
  const users = keySets.data?.filter(({ cspAccountId }) => cspAccountId === account.id);
  const { check, accessKeyRotationState: rotating, accessKeyRotationProblem: trouble } = account;
  return (
    <SpaceBetween size="l">
      {rotating !== null && (
        <Alert type={trouble === null ? 'info' : 'warning'} header={t.rotating[rotating]}>
          {trouble !== null && `${sentence(trouble.message)} ${sentence(trouble.remediation)}`}
          {account.accessKeyRotationRetryAt !== null && (
            <div>
              {kmsKeyProgress.next}: <WholeTime at={account.accessKeyRotationRetryAt} />
            </div>
          )}
        </Alert>
      )}
      <Container>
        <Facts
          ids
          items={[
            [t.type, t.types[account.type]],
            [t.account, <Copyable key="account" text={account.awsAccountId} what={t.account} />],
            [t.region, account.defaultRegion || parts.none],
            [
              t.group,
              groups.data?.find(({ id }) => id === account.adminGroupId)?.name ?? account.adminGroupId,
            ],
            [
              t.keySets,
              users?.length === 0
                ? t.noKeySets
                : (users ?? []).map(({ id, name }) => (
                    <Box key={id}>
                      <Link href={`${home}/key-sets/${id}`}>{name}</Link>
                    </Box>
                  )),
            ],
            [t.accessKeyId, <Copyable key="key" text={account.accessKeyId} what={t.accessKeyId} />],
            [t.age, <WholeTime key="age" at={account.accessKeyCreatedAt} />],
            [
              t.rotation,
              account.accessKeyRotation.days === null ? parts.never : t.every(account.accessKeyRotation.days),
            ],
            [
              t.nextRotation,
              <WholeTime key="next" at={account.nextAccessKeyRotationAt} none={parts.never} />,
            ],
            [t.roleArn, <Copyable key="role" text={account.roleArn} what={t.roleArn} />],
            [t.externalId, <Copyable key="id" text={account.externalId} what={t.externalId} />],
            [t.partition, account.partition],
            [t.fips, account.fips ? parts.yes : parts.no],
            ...recordFacts(may, home, account.id),
          ]}
        />
      </Container>
      {account.type !== 'manual' && (
        <Container header={<Header variant="h2">{t.checkTitle}</Header>}>
          <SpaceBetween size="m">
            {check !== null && check.problem !== null && (
              <Alert type="error" header={check.problem.code}>
                {sentence(check.problem.message)} {sentence(check.problem.remediation)}
              </Alert>
            )}
            {check === null ? (
              <CheckState account={account} />
            ) : (
              <Facts
                items={[
                  [t.check, <CheckState key="state" account={account} />],
                  [t.whoAws, <Copyable key="arn" text={check.arn} what={t.whoAws} />],
                  [t.method, t.methods[check.method]],
                  [t.missingList, <Actions key="missing" actions={check.missing} />],
                  [t.notTriedList, <Actions key="not" actions={check.notTried} />],
                ]}
              />
            )}
            {may('checkCspAccount') && <CommandLine command={commands.accountCheck(account.name)} />}
          </SpaceBetween>
        </Container>
      )}
    </SpaceBetween>
  );
}

function Actions({ actions }: { actions: readonly string[] }) {
  if (actions.length === 0) return <>{parts.none}</>;
  return (
    <>
      {actions.map((action) => (
        <Box key={action}>
          <span className="mono">{action}</span>
        </Box>
      ))}
    </>
  );
}

function ActOnAccount({
  act,
  account,
  etag,
  refetch,
  onClose,
}: Props & { act: 'rotate' | 'remove'; onClose: () => void }) {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const navigate = useNavigate();
  const flash = useFlash();
  const seen = useSeen({ body: account, etag }, refetch, factsOfAccount);
  const rotate = useAct('rotateCspAccessKey');
  const remove = useAct('deleteCspAccount');
  const isRotation = act === 'rotate';
  const { name } = account;
  return (
    <ActDialog
      title={isRotation ? t.rotateTitle(name) : t.removeTitle(name)}
      submitLabel={isRotation ? t.rotate : t.remove}
      command={isRotation ? commands.accountRotate(name) : commands.accountDelete(name)}
      onClose={onClose}
      {...(isRotation ? {} : { typed: name })}
      {...seen.whenChanged}
      asksWhy={!isRotation}
      onSubmit={async (why) => {
        const input = { params: { vaultId, cspAccountId: account.id }, ifMatch: seen.etag };
        await (isRotation ? rotate.mutateAsync(input) : remove.mutateAsync({ ...input, body: why }));
        flash({ type: 'success', header: isRotation ? t.rotated(name) : t.removed(name) });
        if (!isRotation) await navigate(`${home}/csp-accounts`);
      }}
    >
      <Box>{isRotation ? t.rotateWhy : t.removeWhy}</Box>
    </ActDialog>
  );
}
