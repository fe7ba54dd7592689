import SpaceBetween from '@cloudscape-design/components/space-between';
import Toggle from '@cloudscape-design/components/toggle';
import { fieldProblem } from '../api/problem.ts';
import { useRecord, useWholeList } from '../api/queries.ts';
import { NamedFields, SelectField, TextField } from '../parts/fields.tsx';
import { QuotaFields } from '../parts/quota.tsx';
import { stateWord } from '../parts/state.tsx';
import { useVaultId } from '../session/session.tsx';
import { keySets as t } from '../texts/key-sets.ts';
import type { KeySetForm } from './key-set-form.ts';

/* What is said of a key set, as the steps of the wizard and the dialog that changes one have it. */

interface Props {
  form: KeySetForm;
  set: (change: Partial<KeySetForm>) => void;
  problem: unknown;
}

export function DetailsFields({ form, set, problem }: Props) {
  const groups = useWholeList('listAdminGroups', { vaultId: useVaultId() });
  return (
    <SpaceBetween size="m">
      <NamedFields form={form} set={set} problem={problem} mono />
      <SelectField
        label={t.group}
        description={t.groupWhy}
        value={form.adminGroupId}
        onValue={(adminGroupId) => set({ adminGroupId })}
        options={[
          { value: '', label: t.noGroup },
          ...(groups.data ?? []).map(({ id, name }) => ({ value: id, label: name })),
        ]}
        isLoading={groups.isPending}
        error={fieldProblem(problem, '/adminGroupId')}
      />
    </SpaceBetween>
  );
}

export function TokenFields({ form, set, problem }: Props) {
  const vaultId = useVaultId();
  const vault = useRecord('getVault', { vaultId });
  const status = useRecord('getVaultStatus', { vaultId });
  const healthOf = (token: string) => status.data?.body.tokens.find(({ name }) => name === token)?.health;
  return (
    <SpaceBetween size="m">
      <SelectField
        label={t.token}
        description={t.tokenWhy}
        value={form.token}
        onValue={(token) => set({ token })}
        options={(vault.data?.body.tokens ?? []).map((value) => {
          const health = healthOf(value);
          const description = health === undefined ? undefined : stateWord(health);
          return { value, label: value, ...(description === undefined ? {} : { description }) };
        })}
        isLoading={vault.isPending}
        error={fieldProblem(problem, '/token')}
      />
      <TextField
        label={t.prefix}
        description={t.prefixWhy}
        value={form.pathPrefix}
        onText={(pathPrefix) => set({ pathPrefix })}
        error={fieldProblem(problem, '/pathPrefix')}
        mono
      />
    </SpaceBetween>
  );
}

export function AccountFields({ form, set, problem }: Props) {
  const accounts = useWholeList('listCspAccounts', { vaultId: useVaultId() });
  return (
    <SelectField
      label={t.account}
      description={t.accountWhy}
      value={form.cspAccountId}
      onValue={(cspAccountId) => set({ cspAccountId })}
      options={[
        { value: '', label: t.noAccount },
        ...(accounts.data ?? []).map(({ id, name, awsAccountId }) => ({
          value: id,
          label: name,
          description: awsAccountId,
        })),
      ]}
      isLoading={accounts.isPending}
      error={fieldProblem(problem, '/cspAccountId')}
    />
  );
}

export function ForAwsField({ form, set }: Props) {
  return (
    <Toggle
      checked={form.externalKeyStore}
      description={t.forAwsWhy}
      onChange={({ detail }) => set({ externalKeyStore: detail.checked })}
    >
      {t.forAws}
    </Toggle>
  );
}

export function ScheduleFields({ form, set, problem }: Props) {
  return (
    <SpaceBetween size="m">
      <TextField
        label={t.rotationDays}
        description={t.rotationWhy}
        optional
        type="number"
        value={form.rotationDays}
        onText={(rotationDays) => set({ rotationDays })}
        error={fieldProblem(problem, '/rotation')}
      />
      <QuotaFields form={form} set={set} problem={problem} label={t.quota} description={t.quotaWhy} />
    </SpaceBetween>
  );
}
