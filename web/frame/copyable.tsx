import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import { frame as t } from '../texts/frame.ts';

/** An id, an ARN, an address: told in a fixed pitch, with a button that copies it. */
export function Copyable({ text, what }: { text: string; what?: string }) {
  return (
    <span className="copyable">
      <CopyToClipboard
        variant="inline"
        textToCopy={text}
        copyButtonAriaLabel={what === undefined ? t.copy : `${t.copy}: ${what}`}
        copySuccessText={t.copied}
        copyErrorText={t.notCopied}
      />
    </span>
  );
}
