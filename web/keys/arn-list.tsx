import { useState } from 'react';
import Autosuggest from '@cloudscape-design/components/autosuggest';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import SpaceBetween from '@cloudscape-design/components/space-between';
import TokenGroup from '@cloudscape-design/components/token-group';
import { keys as t } from '../texts/keys.ts';

interface Props {
  label: string;
  description: string;
  arns: readonly string[];
  onArns: (arns: readonly string[]) => void;
  /** IAM users and roles that are offered. */
  offered: readonly string[];
  isLoading: boolean;
  error?: string | undefined;
}

/** ARNs of IAM users and roles, chosen from IAM's or pasted, several at once. */
export function ArnList({ label, description, arns, onArns, offered, isLoading, error }: Props) {
  const [text, setText] = useState('');
  const add = (typed: string) => {
    const given = typed.split(/[\s,;]+/).filter((arn) => arn !== '');
    onArns([...new Set([...arns, ...given])]);
    setText('');
  };
  return (
    <SpaceBetween size="xs">
      <FormField
        label={label}
        description={description}
        errorText={error}
        secondaryControl={
          <Button disabled={text.trim() === ''} onClick={() => add(text)} ariaLabel={`${t.add}: ${label}`}>
            {t.add}
          </Button>
        }
      >
        <Autosuggest
          value={text}
          onChange={({ detail }) => setText(detail.value)}
          onSelect={({ detail }) => add(detail.value)}
          options={offered.filter((arn) => !arns.includes(arn)).map((value) => ({ value }))}
          enteredTextLabel={(value) => `${t.add}: ${value}`}
          placeholder={t.arnPlaceholder}
          statusType={isLoading ? 'loading' : 'finished'}
          empty={t.fromIamNone}
          expandToViewport
        />
      </FormField>
      <TokenGroup
        alignment="vertical"
        items={arns.map((arn) => ({ label: arn, dismissLabel: t.takeAway(arn) }))}
        onDismiss={({ detail }) => onArns(arns.filter((_, at) => at !== detail.itemIndex))}
      />
    </SpaceBetween>
  );
}
