import SpaceBetween from '@cloudscape-design/components/space-between';
import { fieldProblem } from '../api/problem.ts';
import { quotaTexts as t } from '../texts/quota.ts';
import { TextField } from './fields.tsx';
import type { QuotaForm } from './quota-form.ts';

interface Props {
  form: QuotaForm;
  set: (change: Partial<QuotaForm>) => void;
  problem: unknown;
  label: string;
  description: string;
}

/** Requests a second, and of a quota how many may come at once. */
export function QuotaFields({ form, set, problem, label, description }: Props) {
  const ofBurst = fieldProblem(problem, '/quota/burst');
  return (
    <SpaceBetween size="m">
      <TextField
        label={label}
        description={description}
        optional
        type="number"
        value={form.quota}
        onText={(quota) => set(quota === '' ? { quota, burst: '' } : { quota })}
        error={fieldProblem(problem, ofBurst === undefined ? '/quota' : '/quota/requestsPerSecond')}
      />
      {form.quota !== '' && (
        <TextField
          label={t.burst}
          description={t.burstWhy}
          optional
          type="number"
          value={form.burst}
          onText={(burst) => set({ burst })}
          error={ofBurst}
        />
      )}
    </SpaceBetween>
  );
}
