import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import { frame as t } from '../texts/frame.ts';
import { parts } from '../texts/parts.ts';

interface Props {
  text: string | null;
  /** What it is, for whoever does not see it. */
  what?: string;
  onCopied?: () => void;
}

/** So much is on one line, if need be into the space between columns: a UUID. */
const whole = 36;

/** An id, an ARN, an address: told in a fixed pitch, with a button that copies it. Where there is none, that. */
export function Copyable({ text, what, onCopied }: Props) {
  if (text === null || text === '') return <>{parts.none}</>;
  return (
    <span className={text.length <= whole ? 'copyable whole' : 'copyable'}>
      <CopyToClipboard
        variant="inline"
        textToCopy={text}
        copyButtonAriaLabel={what === undefined ? t.copy : `${t.copy}: ${what}`}
        copySuccessText={t.copied}
        copyErrorText={t.notCopied}
        onCopySuccess={onCopied}
      />
    </span>
  );
}
