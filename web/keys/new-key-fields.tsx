import Alert from '@cloudscape-design/components/alert';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Toggle from '@cloudscape-design/components/toggle';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { fieldProblem } from '../api/problem.ts';
import { TagsField } from '../cloud/kms-key-fields.tsx';
import { Link } from '../frame/link.tsx';
import { SelectField, TextField } from '../parts/fields.tsx';
import { stateWord } from '../parts/state.tsx';
import { homeOf, useSession } from '../session/session.tsx';
import { keys as t } from '../texts/keys.ts';
import { newKey } from '../texts/new-key.ts';
import { parts } from '../texts/parts.ts';
import { NameFields, type FieldsProps } from './key-fields.tsx';
import { aliasOf } from './key-form.ts';

type KeySet = Schemas['KeySet'];
type Store = Schemas['ExternalKeyStore'];

/** Which key set it is of; its external key stores say in which Regions its KMS key can be. */
export function KeySetField({
  form,
  onForm,
  problem,
  keySets,
  missing,
}: FieldsProps & { keySets: readonly KeySet[] | undefined; missing: string | undefined }) {
  const home = homeOf(useSession().user);
  const keySet = keySets?.find(({ id }) => id === form.keySetId);
  return (
    <SpaceBetween size="l">
      {keySets?.length === 0 && (
        <Alert type="info" action={<Link href={`${home}/key-sets`}>{t.toKeySets}</Link>}>
          {t.noKeySets}
        </Alert>
      )}
      <FormField label={t.keySet} errorText={missing ?? fieldProblem(problem, '/keySetId')}>
        <Select
          selectedOption={keySet === undefined ? null : { value: keySet.id, label: keySet.name }}
          options={(keySets ?? []).map(({ id, name, description }) => ({
            value: id,
            label: name,
            description,
          }))}
          statusType={keySets === undefined ? 'loading' : 'finished'}
          loadingText={parts.loading}
          filteringType="auto"
          // Another key set has other Regions.
          onChange={({ detail }) => onForm({ keySetId: detail.selectedOption.value ?? '', region: '' })}
        />
      </FormField>
    </SpaceBetween>
  );
}

interface DetailsProps extends FieldsProps {
  /** Of the key set; undefined while they are not known. */
  stores: readonly Store[] | undefined;
  missing: string | undefined;
}

/** What it is called, where it is in AWS, and what AWS may do with it. */
export function NewKeyFields({ form, onForm, problem, stores, missing }: DetailsProps) {
  const isChosen = form.keySetId !== '';
  return (
    <SpaceBetween size="l">
      <NameFields form={form} onForm={onForm} problem={problem} missing={missing} />
      <SelectField
        label={t.region}
        description={t.regionWhy}
        value={form.region}
        onValue={(region) => onForm({ region })}
        options={[
          ...(stores?.length === 1 ? [] : [{ value: '', label: t.regionUnless }]),
          ...(stores ?? []).map((store) => ({
            value: store.region,
            label: store.region,
            description: `${store.name}, ${stateWord(store.state)}`,
          })),
        ]}
        isLoading={isChosen && stores === undefined}
        disabled={!isChosen}
        constraint={stores?.length === 0 ? newKey.noStores : undefined}
        error={fieldProblem(problem, '/region')}
      />
      <SelectField
        label={t.usage}
        value={form.usage}
        onValue={(usage) => onForm({ usage: usage as typeof form.usage })}
        options={Object.entries(t.usages).map(([value, label]) => ({ value, label }))}
        error={fieldProblem(problem, '/usage')}
      />
    </SpaceBetween>
  );
}

/** Whether it gets a KMS key, and what that is called. */
export function NewKmsKeyFields({ form, onForm, problem, mayHave }: FieldsProps & { mayHave: boolean }) {
  return (
    <Container>
      <SpaceBetween size="l">
        <Toggle
          checked={form.kmsKey}
          disabled={!mayHave}
          description={mayHave ? t.makeKmsKeyWhy : newKey.byHand}
          onChange={({ detail }) => onForm({ kmsKey: detail.checked })}
        >
          {t.makeKmsKey}
        </Toggle>
        {form.kmsKey && (
          <>
            <TextField
              label={t.alias}
              description={newKey.aliasWhy}
              value={aliasOf(form)}
              onText={(alias) => onForm({ alias: alias === `alias/${form.name}` ? undefined : alias })}
              mono
            />
            <TagsField form={form} set={onForm} problem={problem} />
          </>
        )}
      </SpaceBetween>
    </Container>
  );
}
