import { useRef, useState } from 'react';
import Autosuggest from '@cloudscape-design/components/autosuggest';
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

/**
 * ARNs of IAM users and roles, chosen from IAM's or pasted, several at once. One that is typed counts without an Enter too:
 * nothing on the page moves, and nothing is lost, as somebody goes on to the next step.
 */
export function ArnList({ label, description, arns, onArns, offered, isLoading, error }: Props) {
  const [text, setText] = useState('');
  /** Of `arns` what is only in the field so far. */
  const [pending, setPending] = useState<readonly string[]>([]);
  const [isLeft, setLeft] = useState(false);
  // What is chosen with the Enter key comes before the key itself does.
  const typed = useRef('');
  const added = arns.filter((arn) => !pending.includes(arn));
  const take = (words: string, isWhole: boolean) => {
    const given = partsOf(words);
    const taken = isWhole || given.every(isArn) ? given.filter((arn) => !added.includes(arn)) : [];
    typed.current = isWhole ? '' : words;
    setText(typed.current);
    setPending(isWhole ? [] : taken);
    setLeft(false);
    onArns([...new Set([...added, ...taken])]);
  };
  return (
    <SpaceBetween size="xs">
      <FormField
        label={label}
        description={description}
        // In one place: a line more would move the button that is being pressed.
        constraintText={isLeft ? undefined : t.arnHow}
        errorText={error ?? (isLeft ? t.noArn : undefined)}
      >
        <Autosuggest
          value={text}
          onChange={({ detail }) => take(detail.value, false)}
          onSelect={({ detail }) => take(detail.value, true)}
          onKeyDown={({ detail }) => {
            if (detail.key === 'Enter' && typed.current.trim() !== '') take(typed.current, true);
          }}
          onBlur={() => setLeft(!partsOf(typed.current).every(isArn))}
          options={offered.filter((arn) => !added.includes(arn)).map((value) => ({ value }))}
          enteredTextLabel={(value) => `${t.add}: ${value}`}
          placeholder={t.arnPlaceholder}
          statusType={isLoading ? 'loading' : 'finished'}
          empty={t.fromIamNone}
        />
      </FormField>
      <TokenGroup
        alignment="vertical"
        items={added.map((arn) => ({ label: arn, dismissLabel: t.takeAway(arn) }))}
        onDismiss={({ detail }) => onArns(arns.filter((arn) => arn !== added[detail.itemIndex]))}
      />
    </SpaceBetween>
  );
}

function partsOf(text: string): string[] {
  return text.split(/[\s,;]+/).filter((part) => part !== '');
}

function isArn(text: string): boolean {
  return text.startsWith('arn:');
}
