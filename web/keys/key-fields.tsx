import DatePicker from '@cloudscape-design/components/date-picker';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import RadioGroup from '@cloudscape-design/components/radio-group';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Textarea from '@cloudscape-design/components/textarea';
import { fieldProblem } from '../api/problem.ts';
import { useWholeList } from '../api/queries.ts';
import { QuotaFields } from '../parts/quota.tsx';
import { useMay, useVaultId } from '../session/session.tsx';
import { keys as t } from '../texts/keys.ts';
import { newKey } from '../texts/new-key.ts';
import { parts } from '../texts/parts.ts';
import { ArnList } from './arn-list.tsx';
import type { KeyForm } from './key-form.ts';

export interface FieldsProps {
  form: KeyForm;
  onForm: (change: Partial<KeyForm>) => void;
  problem: unknown;
}

export function NameFields({
  form,
  onForm,
  problem,
  missing,
}: FieldsProps & { missing?: string | undefined }) {
  return (
    <SpaceBetween size="l">
      <FormField
        label={t.name}
        description={t.nameWhy}
        constraintText={form.name === '' ? undefined : t.aliasWill(`alias/${form.name}`)}
        errorText={missing ?? fieldProblem(problem, '/name')}
      >
        <Input
          value={form.name}
          onChange={({ detail }) => onForm({ name: detail.value })}
          spellcheck={false}
        />
      </FormField>
      <FormField
        label={
          <>
            {t.descriptionLabel} <i>- {parts.optional}</i>
          </>
        }
        errorText={fieldProblem(problem, '/description')}
      >
        <Textarea
          rows={2}
          value={form.description}
          onChange={({ detail }) => onForm({ description: detail.value })}
        />
      </FormField>
    </SpaceBetween>
  );
}

/** Who the key policy of the KMS key names; `cspAccountId` is asked for IAM's users and roles. */
export function AccessFields({
  form,
  onForm,
  problem,
  cspAccountId,
}: FieldsProps & { cspAccountId: string | null }) {
  const vaultId = useVaultId();
  const asks = useMay()('listCspPrincipals') && cspAccountId !== null;
  const params = { vaultId, cspAccountId: cspAccountId ?? '' };
  const users = useWholeList('listCspPrincipals', params, {
    query: { kind: 'user' },
    enabled: asks,
    every: false,
  });
  const roles = useWholeList('listCspPrincipals', params, {
    query: { kind: 'role' },
    enabled: asks,
    every: false,
  });
  const offered = [...(roles.data ?? []), ...(users.data ?? [])].map(({ arn }) => arn);
  const isLoading = asks && (users.isLoading || roles.isLoading);
  return (
    <SpaceBetween size="l">
      <ArnList
        label={t.administrators}
        description={t.administratorsWhy}
        arns={form.administrators}
        onArns={(administrators) => onForm({ administrators })}
        offered={offered}
        isLoading={isLoading}
        error={fieldProblem(problem, '/administrators')}
      />
      <ArnList
        label={t.users}
        description={t.usersWhy}
        arns={form.users}
        onArns={(arns) => onForm({ users: arns })}
        offered={offered}
        isLoading={isLoading}
        error={fieldProblem(problem, '/users')}
      />
    </SpaceBetween>
  );
}

export function ScheduleFields({ form, onForm, problem }: FieldsProps) {
  return (
    <SpaceBetween size="l">
      <FormField label={t.scheduleRotation} errorText={fieldProblem(problem, '/rotation')}>
        <SpaceBetween size="xs">
          <RadioGroup
            value={form.rotation}
            onChange={({ detail }) => onForm({ rotation: detail.value as KeyForm['rotation'] })}
            items={[
              { value: 'INHERIT', label: t.scheduleInherit },
              { value: 'NEVER', label: t.scheduleNever },
              { value: 'DAYS', label: t.scheduleDays },
            ]}
          />
          {form.rotation === 'DAYS' && (
            <Input
              type="number"
              inputMode="numeric"
              ariaLabel={t.rotationDays}
              value={form.days}
              onChange={({ detail }) => onForm({ days: detail.value })}
            />
          )}
        </SpaceBetween>
      </FormField>
      <FormField
        label={
          <>
            {t.scheduleExpiry} <i>- {parts.optional}</i>
          </>
        }
        description={t.expiresAt}
        constraintText="YYYY-MM-DD"
        errorText={fieldProblem(problem, '/expiresAt')}
      >
        <DatePicker
          value={form.expires}
          onChange={({ detail }) => onForm({ expires: detail.value })}
          placeholder="YYYY-MM-DD"
          format="iso"
          locale="en-GB"
          openCalendarAriaLabel={(date) =>
            date === null ? t.scheduleExpiry : `${t.scheduleExpiry}: ${date}`
          }
          previousMonthAriaLabel={t.previousMonth}
          nextMonthAriaLabel={t.nextMonth}
          todayAriaLabel={t.today}
          expandToViewport
        />
      </FormField>
      <QuotaFields form={form} set={onForm} problem={problem} label={t.quota} description={newKey.quotaWhy} />
    </SpaceBetween>
  );
}
