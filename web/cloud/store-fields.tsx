import SpaceBetween from '@cloudscape-design/components/space-between';
import Toggle from '@cloudscape-design/components/toggle';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { fieldProblem } from '../api/problem.ts';
import { SelectField, TextField } from '../parts/fields.tsx';
import { stores as t } from '../texts/cloud.ts';
import { settled, type ReachForm, type StoreAccount, type StoreForm } from './store-form.ts';

type Connectivity = Schemas['ExternalKeyStore']['connectivity'];

interface Props {
  form: StoreForm;
  set: (change: Partial<StoreForm>) => void;
  account: StoreAccount;
  problem: unknown;
}

/** How AWS reaches the key set, and who makes the external key store there. */
export function StoreFields({ form, set, account, problem }: Props) {
  const { region, byHand } = settled(form, account);
  const signsIn = account !== undefined && account.type !== 'manual';
  return (
    <SpaceBetween size="m">
      <TextField
        label={t.region}
        value={region}
        onText={(text) => set({ region: text })}
        placeholder="eu-central-1"
        error={fieldProblem(problem, '/region')}
        mono
      />
      <ReachFields form={form} set={set} problem={problem} />
      <TextField
        label={t.name}
        description={t.nameWhy}
        optional
        value={form.name}
        onText={(name) => set({ name })}
        error={fieldProblem(problem, '/name')}
        mono
      />
      <Toggle
        checked={byHand}
        disabled={!signsIn}
        description={t.byHandWhy}
        onChange={({ detail }) => set({ byHand: detail.checked })}
      >
        {t.byHand}
      </Toggle>
      {!byHand && (
        <Toggle checked={form.connect} onChange={({ detail }) => set({ connect: detail.checked })}>
          {t.connectNow}
        </Toggle>
      )}
    </SpaceBetween>
  );
}

/** How AWS reaches the key set. */
export function ReachFields({
  form,
  set,
  problem,
  constraint,
}: {
  form: ReachForm;
  set: (change: Partial<ReachForm>) => void;
  problem: unknown;
  /** Of the endpoint. */
  constraint?: string;
}) {
  return (
    <SpaceBetween size="m">
      <TextField
        label={t.endpoint}
        description={t.endpointWhy}
        constraint={constraint}
        value={form.uriEndpoint}
        onText={(uriEndpoint) => set({ uriEndpoint })}
        placeholder="https://xks.example.com"
        error={fieldProblem(problem, '/uriEndpoint')}
        mono
      />
      <SelectField
        label={t.connectivity}
        value={form.connectivity}
        onValue={(connectivity) => set({ connectivity: connectivity as Connectivity })}
        options={(Object.keys(t.connectivities) as Connectivity[]).map((value) => ({
          value,
          label: t.connectivities[value],
        }))}
        error={fieldProblem(problem, '/connectivity')}
      />
      {form.connectivity === 'VPC_ENDPOINT_SERVICE' && (
        <SpaceBetween size="m">
          <TextField
            label={t.service}
            value={form.service}
            onText={(service) => set({ service })}
            placeholder="com.amazonaws.vpce.…"
            error={fieldProblem(problem, '/vpcEndpointServiceName')}
            mono
          />
          <TextField
            label={t.owner}
            optional
            value={form.owner}
            onText={(owner) => set({ owner })}
            error={fieldProblem(problem, '/vpcEndpointServiceOwner')}
            mono
          />
        </SpaceBetween>
      )}
    </SpaceBetween>
  );
}
