import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { fieldProblem } from '../api/problem.ts';
import { SelectField, TextField } from '../parts/fields.tsx';
import { byHand } from '../texts/by-hand.ts';
import { kmsKeys as t } from '../texts/cloud.ts';
import { parts } from '../texts/parts.ts';
import { isPolicyWhole, tagsIn, type KmsKeyForm } from './kms-key-form.ts';

interface Props {
  form: KmsKeyForm;
  set: (change: Partial<KmsKeyForm>) => void;
  problem: unknown;
}

/** Fields that tell their own problems. */
export const toldByKmsKeyFields = ['/alias', '/description', '/tags', '/policy'];

/** Which KMS key in AWS a record is of that has none yet. */
export function KeyArnField({ form, set, problem, isByHand }: Props & { isByHand: boolean }) {
  return (
    <TextField
      label={byHand.keyArn}
      description={isByHand ? byHand.keyArnByHandWhy : byHand.keyArnWhy}
      optional
      value={form.keyArn}
      onText={(keyArn) => set({ keyArn: keyArn.trim() })}
      placeholder="arn:aws:kms:eu-central-1:111122223333:key/…"
      error={fieldProblem(problem, '/keyArn')}
      mono
    />
  );
}

/** Alias, description, tags and key policy of a KMS key. */
export function KmsKeyFields({ form, set, problem }: Props) {
  return (
    <SpaceBetween size="m">
      <TextField
        label={t.alias}
        value={form.alias}
        onText={(alias) => set({ alias })}
        error={fieldProblem(problem, '/alias')}
        mono
      />
      <TextField
        label={parts.description}
        optional
        value={form.description}
        onText={(description) => set({ description })}
        error={fieldProblem(problem, '/description')}
      />
      <TagsField form={form} set={set} problem={problem} />
      <PolicyFields form={form} set={set} problem={problem} />
    </SpaceBetween>
  );
}

interface PartProps<N extends keyof KmsKeyForm> {
  form: Pick<KmsKeyForm, N>;
  set: (change: Partial<Pick<KmsKeyForm, N>>) => void;
  problem: unknown;
}

export function TagsField({ form, set, problem }: PartProps<'tags'>) {
  return (
    <TextField
      label={t.tags}
      optional
      constraint={t.tagsHow}
      value={form.tags}
      onText={(tags) => set({ tags })}
      rows={3}
      error={tagsIn(form.tags) === undefined ? t.tagsWrong : fieldProblem(problem, '/tags')}
      mono
    />
  );
}

/** How the key policy comes about, and which it is where it is a document of its own. */
export function PolicyFields({ form, set, problem }: PartProps<'policySource' | 'document'>) {
  return (
    <SpaceBetween size="m">
      <SelectField
        label={t.policy}
        value={form.policySource}
        onValue={(value) => set({ policySource: value as Schemas['KmsKey']['policySource'] })}
        options={Object.entries(t.policyOf).map(([value, label]) => ({ value, label }))}
        error={form.policySource === 'document' ? undefined : fieldProblem(problem, '/policy')}
      />
      {form.policySource === 'document' && (
        <TextField
          label={t.policyDocument}
          value={form.document}
          onText={(document) => set({ document })}
          rows={12}
          error={isPolicyWhole(form) ? fieldProblem(problem, '/policy') : t.policyWrong}
          mono
        />
      )}
    </SpaceBetween>
  );
}
