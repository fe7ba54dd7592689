import { useState, type ReactNode } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { fieldProblem, isProblemOf } from '../api/problem.ts';
import { CommandLine } from '../frame/command.tsx';
import { useActing } from '../frame/in-force.tsx';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { useSubmit } from '../session/use-submit.ts';
import { withReason } from '../texts/command-words.ts';
import { frame } from '../texts/frame.ts';
import { parts as t } from '../texts/parts.ts';
import { TextField } from './fields.tsx';

/** What is sent of a reason: nothing where none is typed. */
export type Why = { reason: string } | undefined;

interface Common {
  title: string;
  submitLabel: string;
  /** What the same is on the command line; none where a secret would be in it. */
  command?: string | undefined;
  /** It may be told why, for the audit log; nobody has to. */
  asksWhy?: boolean;
  onClose: () => void;
  /** Does it; throws what kept it from being done. Closes the dialog unless it answers `stay`. */
  onSubmit: (why: Why) => Promise<'stay' | void>;
  /** What follows once it is done, whether or not every node goes by it yet: to leave the page of what is gone, for instance. */
  onDone?: () => Promise<void>;
  /** Where what is typed is not whole yet. */
  disabled?: boolean;
  /** To be typed before it can be done. */
  typed?: string;
  /** Fields that tell their own problems. */
  told?: readonly string[];
  size?: 'medium' | 'large';
  children?: ReactNode;
}

/** For a change that may be refused because somebody has changed the record meanwhile. */
export interface WhenChanged {
  /** Reads what it is now, which the next try is made against. */
  onConflict: () => Promise<unknown>;
  /** What it was and what it is. */
  conflict: ReactNode;
  /** Where the whole record is sent, theirs is not overwritten: brings the form up to what is there now. */
  onTake?: () => void;
}

type Props = Common & (WhenChanged | { [Name in keyof WhenChanged]?: never });

/** A dialog with one act: what it does, what was refused, the command that does the same. */
export function ActDialog(props: Props) {
  const {
    title,
    submitLabel,
    command,
    asksWhy = false,
    onClose,
    onSubmit,
    onDone,
    disabled,
    typed,
    onConflict,
    conflict,
    onTake,
    told,
    size,
    children,
  } = props;
  const acting = useActing();
  const [text, setText] = useState('');
  const [reason, setReason] = useState('');
  const why = asksWhy && reason.trim() !== '' ? { reason: reason.trim() } : undefined;
  const [changed, setChanged] = useState(false);
  const { submit, busy, problem } = useSubmit(async () => {
    try {
      if ((await acting(async () => onSubmit(why))) === 'stay') return;
    } catch (error) {
      if (!isProblemOf(error, 'precondition-failed') || onConflict === undefined) throw error;
      await onConflict();
      return setChanged(true);
    }
    await onDone?.();
    onClose();
  });
  const isOwed = changed && onTake !== undefined;
  const isWhole = disabled !== true && !isOwed && (typed === undefined || text === typed);
  return (
    <Modal
      visible
      size={size ?? 'medium'}
      header={title}
      closeAriaLabel={frame.close}
      onDismiss={busy ? undefined : onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" disabled={busy} onClick={onClose}>
              {t.cancel}
            </Button>
            <Button
              variant="primary"
              loading={busy}
              disabled={!isWhole}
              onClick={submit}
              data-testid="submit"
            >
              {changed && !isOwed ? frame.conflictAgain : submitLabel}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isWhole) submit();
        }}
      >
        <SpaceBetween size="m">
          {changed && (
            <Alert
              type="warning"
              header={frame.conflict}
              action={
                isOwed && (
                  <Button
                    formAction="none"
                    onClick={() => {
                      onTake();
                      setChanged(false);
                    }}
                  >
                    {frame.conflictTake}
                  </Button>
                )
              }
            >
              <SpaceBetween size="s">
                <div>{frame.conflictWhy}</div>
                {conflict}
              </SpaceBetween>
            </Alert>
          )}
          {problem !== undefined && (
            <ProblemAlert problem={problem} told={[...(told ?? []), ...(asksWhy ? ['/reason'] : [])]} />
          )}
          {children}
          {asksWhy && (
            <TextField
              label={t.reason}
              description={t.reasonWhy}
              optional
              value={reason}
              onText={setReason}
              error={fieldProblem(problem, '/reason')}
            />
          )}
          {typed !== undefined && (
            <FormField
              label={t.typeToConfirm(typed)}
              errorText={text !== '' && !typed.startsWith(text) ? t.typed : undefined}
            >
              <Input
                value={text}
                onChange={({ detail }) => setText(detail.value)}
                autoComplete="off"
                spellcheck={false}
              />
            </FormField>
          )}
          {command !== undefined && <CommandLine command={withReason(command, why?.reason)} />}
        </SpaceBetween>
        {/* Enter in a field does what the button does, which is outside of the form. */}
        <input type="submit" hidden />
      </form>
    </Modal>
  );
}
