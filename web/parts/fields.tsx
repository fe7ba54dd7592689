import type { ReactNode } from 'react';
import FormField from '@cloudscape-design/components/form-field';
import Input, { type InputProps } from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Textarea from '@cloudscape-design/components/textarea';
import { fieldProblem } from '../api/problem.ts';
import { parts as t } from '../texts/parts.ts';

/* Fields of forms, with their label, what they are for, and what is wrong with them. */

interface Common {
  label: string;
  description?: ReactNode;
  constraint?: ReactNode;
  error?: string | undefined;
  optional?: boolean;
}

interface TextProps
  extends Common, Pick<InputProps, 'type' | 'placeholder' | 'autoFocus' | 'inputMode' | 'disabled'> {
  value: string;
  onText: (text: string) => void;
  /** As browsers know it; `off` unless told. */
  autoComplete?: string;
  /** More lines than one. */
  rows?: number;
  mono?: boolean;
}

function labelOf({ label, optional }: Common): ReactNode {
  return optional === true ? (
    <>
      {label} <i>- {t.optional}</i>
    </>
  ) : (
    label
  );
}

export function TextField({ value, onText, rows, autoComplete = 'off', mono, ...props }: TextProps) {
  const { description, constraint, error, type, placeholder, autoFocus, inputMode, disabled } = props;
  return (
    <FormField label={labelOf(props)} description={description} constraintText={constraint} errorText={error}>
      {rows === undefined ? (
        <Input
          value={value}
          onChange={({ detail }) => onText(detail.value)}
          autoComplete={autoComplete}
          spellcheck={mono !== true && type === undefined}
          {...{ type, placeholder, autoFocus, inputMode, disabled }}
        />
      ) : (
        <Textarea
          rows={rows}
          value={value}
          onChange={({ detail }) => onText(detail.value)}
          spellcheck={mono !== true}
          {...{ placeholder, autoFocus, disabled }}
        />
      )}
    </FormField>
  );
}

interface NamedProps {
  form: { name: string; description: string };
  set: (change: { name?: string; description?: string }) => void;
  /** What was refused, which its fields tell. */
  problem: unknown;
  nameLabel?: string;
  /** A name as in AWS, which is no word of a language. */
  mono?: boolean;
}

/** Name and description, which most records begin with. */
export function NamedFields({ form, set, problem, nameLabel = t.name, mono = false }: NamedProps) {
  return (
    <SpaceBetween size="m">
      <TextField
        label={nameLabel}
        value={form.name}
        onText={(name) => set({ name })}
        error={fieldProblem(problem, '/name')}
        autoFocus
        mono={mono}
      />
      <TextField
        label={t.description}
        optional
        value={form.description}
        onText={(description) => set({ description })}
        error={fieldProblem(problem, '/description')}
      />
    </SpaceBetween>
  );
}

interface SelectProps extends Common {
  value: string;
  onValue: (value: string) => void;
  options: readonly { value: string; label: string; description?: string }[];
  isLoading?: boolean;
  disabled?: boolean;
}

export function SelectField({ value, onValue, options, isLoading, disabled, ...props }: SelectProps) {
  const { description, constraint, error } = props;
  const chosen = options.find((one) => one.value === value);
  return (
    <FormField label={labelOf(props)} description={description} constraintText={constraint} errorText={error}>
      <Select
        selectedOption={chosen ?? null}
        options={options}
        onChange={({ detail }) => onValue(detail.selectedOption.value ?? '')}
        statusType={isLoading === true ? 'loading' : 'finished'}
        loadingText={t.loading}
        disabled={disabled ?? false}
        filteringType={options.length > 8 ? 'auto' : 'none'}
        placeholder={t.choose}
        empty={t.nothingToChoose}
        expandToViewport
      />
    </FormField>
  );
}
