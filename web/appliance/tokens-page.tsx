import { useState } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Steps from '@cloudscape-design/components/steps';
import { useAct, useList, type ItemOf } from '../api/queries.ts';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { Page } from '../frame/page.tsx';
import { sentence } from '../frame/problem-alert.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Facts } from '../parts/facts.tsx';
import { Empty, ResourceTable } from '../parts/resource-table.tsx';
import { State, stateWord } from '../parts/state.tsx';
import { useMay } from '../session/session.tsx';
import { appliance as t } from '../texts/appliance.ts';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';

type Token = ItemOf<'listTokens'>;

/** The tokens of the node that answers. */
export function TokensPage() {
  const may = useMay();
  const list = useList('listTokens', undefined);
  const [verifying, setVerifying] = useState<string>();
  return (
    <Page title={t.tokensTitle} headless>
      <ResourceTable<Token>
        id="tokens"
        title={t.tokensTitle}
        description={t.tokensTitleWhy}
        list={list}
        idOf={({ name }) => name}
        nameOf={({ name }) => name}
        empty={<Empty title={t.noTokens} why={t.noTokensWhy} />}
        columns={[
          {
            id: 'name',
            header: t.name,
            isRowHeader: true,
            text: ({ name }) => name,
            cell: ({ name }) => name,
          },
          {
            id: 'health',
            header: t.health,
            text: ({ health }) => stateWord(health),
            cell: ({ health }) => <State of={health} />,
          },
          {
            id: 'hosts',
            header: t.hosts,
            cell: ({ hosts }) =>
              t.hostsOf(
                hosts.filter(({ state }) => state === 'ready' || state === 'busy').length,
                hosts.length,
              ),
          },
          {
            id: 'model',
            header: t.model,
            text: ({ vendor, model }) => `${vendor} ${model}`,
            cell: ({ vendor, model }) => `${vendor} ${model}`,
            width: 200,
          },
          {
            id: 'profile',
            header: t.profile,
            text: ({ profile }) => profile,
            cell: ({ profile }) => profile,
          },
          { id: 'vaults', header: t.usedBy, cell: ({ vaults }) => vaults },
          {
            id: 'verify',
            header: parts.actions,
            cell: ({ name }) =>
              may('verifyToken') && (
                <Button
                  variant="inline-link"
                  ariaLabel={`${t.verify}: ${name}`}
                  onClick={() => setVerifying(name)}
                >
                  {t.verify}
                </Button>
              ),
          },
        ]}
      />
      {verifying !== undefined && <VerifyDialog token={verifying} onClose={() => setVerifying(undefined)} />}
    </Page>
  );
}

function VerifyDialog({ token, onClose }: { token: string; onClose: () => void }) {
  const verify = useAct('verifyToken');
  return (
    <ActDialog
      size="large"
      title={t.verifyTitle(token)}
      submitLabel={t.verify}
      command={commands.tokenVerify(token)}
      onClose={onClose}
      onSubmit={async () => {
        await verify.mutateAsync({ params: { token } });
        return 'stay';
      }}
    >
      <Box>{t.verifyWhy}</Box>
      {verify.data !== undefined && <Report report={verify.data.body} />}
    </ActDialog>
  );
}

function Report({ report }: { report: Schemas['TokenReport'] }) {
  return (
    <SpaceBetween size="m">
      <Alert type={report.ok ? 'success' : 'error'} header={report.ok ? t.verifyOk : t.verifyNotOk}>
        {report.remediation !== undefined && sentence(report.remediation)}
      </Alert>
      <Steps
        ariaLabel={t.verify}
        steps={report.steps.map(({ name, ok, milliseconds, detail }) => ({
          status: ok ? 'success' : 'error',
          header: `${t.verifySteps[name] ?? name}, ${t.milliseconds(milliseconds)}`,
          details: detail,
        }))}
      />
      {report.info !== undefined && (
        <Facts
          items={[
            [t.label, report.info.label],
            [t.serial, report.info.serial],
            [t.manufacturer, report.info.manufacturer],
            [t.model, report.info.model],
            [t.firmware, report.info.firmware],
          ]}
        />
      )}
    </SpaceBetween>
  );
}
