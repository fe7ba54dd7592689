import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import FormField from '@cloudscape-design/components/form-field';
import { frame as t } from '../texts/frame.ts';

/** What somebody types to do the same; it never has a secret in it. */
export function CommandLine({ command, label = t.command }: { command: string; label?: string }) {
  return (
    <FormField label={label} stretch>
      <div className="command">
        <pre>
          <code>{command}</code>
        </pre>
        <CopyToClipboard
          variant="icon"
          textToCopy={command}
          copyButtonAriaLabel={`${t.copy}: ${label}`}
          copySuccessText={t.copied}
          copyErrorText={t.notCopied}
        />
      </div>
    </FormField>
  );
}
