import FormField from '@cloudscape-design/components/form-field';
import RadioGroup from '@cloudscape-design/components/radio-group';
import { keys as t } from '../texts/keys.ts';

export type Side = 'ours' | 'both';

/** Whether an act is done here alone, or to the KMS keys in AWS as well. */
export function SideField({ side, onSide }: { side: Side; onSide: (side: Side) => void }) {
  return (
    <FormField label={t.side}>
      <RadioGroup
        value={side}
        onChange={({ detail }) => onSide(detail.value as Side)}
        items={[
          { value: 'ours', label: t.sideOurs, description: t.sideOursWhy },
          { value: 'both', label: t.sideBoth, description: t.sideBothWhy },
        ]}
      />
    </FormField>
  );
}
