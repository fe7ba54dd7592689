import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Steps from '@cloudscape-design/components/steps';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { useAct } from '../api/queries.ts';
import { Json } from '../cloud/account-policy.tsx';
import { sentence } from '../frame/problem-alert.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Facts } from '../parts/facts.tsx';
import { appliance as t } from '../texts/appliance.ts';
import { commands } from '../texts/commands.ts';
import { node as n } from '../texts/node.ts';
import { parts } from '../texts/parts.ts';
import { token as k } from '../texts/token.ts';

/** Tries a token with one more host, step by step. */
export function VerifyDialog({ token, onClose }: { token: string; onClose: () => void }) {
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
            [k.slot, report.info.slot ?? parts.none],
          ]}
        />
      )}
      {report.mechanisms !== undefined && (
        <ExpandableSection headerText={n.mechanisms(report.mechanisms.length)}>
          <Json text={report.mechanisms.join('\n')} label={n.mechanisms(report.mechanisms.length)} />
        </ExpandableSection>
      )}
    </SpaceBetween>
  );
}
