import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Steps from '@cloudscape-design/components/steps';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { useAct } from '../api/queries.ts';
import { CommandLine } from '../frame/command.tsx';
import { ProblemAlert, sentence } from '../frame/problem-alert.tsx';
import { Facts } from '../parts/facts.tsx';
import { WholeTime } from '../parts/time.tsx';
import { useMay, useVaultId } from '../session/session.tsx';
import { appliance } from '../texts/appliance.ts';
import { commands } from '../texts/commands.ts';
import { keySets as t } from '../texts/key-sets.ts';

/** Whether a token works, before a key set is made whose keys are in it for good. */
export function VerifyToken({ token }: { token: string }) {
  const vaultId = useVaultId();
  const may = useMay();
  const verify = useAct('verifyVaultToken');
  if (!may('verifyVaultToken') || token === '') return null;
  // What was found of one token is no report of another.
  const report = verify.variables?.params.token === token ? verify.data?.body : undefined;
  return (
    <SpaceBetween size="s">
      <Button
        formAction="none"
        loading={verify.isPending}
        onClick={() => verify.mutate({ params: { vaultId, token } })}
      >
        {t.verify}
      </Button>
      {verify.error !== null && <ProblemAlert problem={verify.error} />}
      {report !== undefined && <Report report={report} />}
      <CommandLine command={commands.tokenVerify(token)} />
    </SpaceBetween>
  );
}

function Report({ report: { ok, at, steps, hsm, remediation } }: { report: Schemas['VaultTokenReport'] }) {
  return (
    <SpaceBetween size="s">
      <Alert type={ok ? 'success' : 'error'} header={ok ? appliance.verifyOk : appliance.verifyNotOk}>
        {remediation !== null && sentence(remediation)}
      </Alert>
      <Steps
        ariaLabel={t.verify}
        steps={steps.map(({ name, ok, milliseconds }) => ({
          status: ok ? 'success' : 'error',
          header: `${appliance.verifySteps[name] ?? name}, ${appliance.milliseconds(milliseconds)}`,
        }))}
      />
      <Facts
        items={[
          ...(hsm === null
            ? []
            : ([
                [appliance.manufacturer, hsm.manufacturer],
                [appliance.model, hsm.model],
                [appliance.firmware, hsm.firmware],
              ] as const)),
          [t.verifiedAt, <WholeTime key="at" at={at} />],
        ]}
      />
    </SpaceBetween>
  );
}
