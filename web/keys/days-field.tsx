import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import { keys as t } from '../texts/keys.ts';

/** How long a CloudKey waits for its destruction, in days. */
export function DaysField({ days, onDays }: { days: string; onDays: (days: string) => void }) {
  return (
    <FormField label={t.waitingTime} constraintText={t.waitingDays}>
      <Input type="number" inputMode="numeric" value={days} onChange={({ detail }) => onDays(detail.value)} />
    </FormField>
  );
}

export function isWaitingTime(days: string): boolean {
  return Number(days) >= 7 && Number(days) <= 30;
}
