import Icon from '@cloudscape-design/components/icon';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { pace } from '../api/looks.ts';
import { useRecord } from '../api/queries.ts';
import { useSilence } from '../api/silence.ts';
import { useUnwatchedSince } from '../api/watched.ts';
import { PlainTime } from '../parts/time.tsx';
import { useSession } from '../session/session.tsx';
import { frame as t } from '../texts/frame.ts';
import { AffectedLinks } from './affected-links.tsx';
import { sentence } from './problem-alert.tsx';

export type Finding = Schemas['Status']['findings'][number];

/** Not where somebody has seen and judged all of it. A node of an older version does not say. */
export function needsAttention({ acknowledgements }: Partial<Finding>): boolean {
  return acknowledgements === undefined || acknowledgements.length === 0;
}

/** Keys are not served, or will soon not be: red. The rest of what needs attention: amber. */
export const grave: ReadonlySet<Finding['trouble']> = new Set([
  'STORE_UNWRITABLE',
  'STORE_WENT_BACK',
  'TOKEN_DOWN',
  'PIN_REFUSED',
  'TOKEN_OWN_KEY_UNFIT',
  'CERTIFICATE_EXPIRED',
  'NODE_DOWN',
  'SUPERVISOR_SILENT',
  'VAULT_FROZEN',
  'KEY_SET_FROZEN',
  'KEY_PROOF_FAILED',
  'KEY_STORE_NOT_CONNECTED',
]);

/** The state of the vault or the appliance, as its user sees it. */
export function useStatus() {
  const { vaultId } = useSession().user;
  const vault = useRecord(
    'getVaultStatus',
    { vaultId: vaultId ?? '' },
    { enabled: vaultId !== null, every: pace.status },
  );
  const appliance = useRecord('getStatus', undefined, { enabled: vaultId === null, every: pace.status });
  return vaultId === null ? appliance : vault;
}

/** While the node does not answer, whatever is on the page. */
export function SilenceStrip() {
  const since = useSilence();
  if (since === undefined) return null;
  return (
    <section className="strip strip-grave" aria-label={t.silence} role="alert">
      <ul>
        <li>
          <Icon name="status-negative" />
          <span>
            <strong>{t.silence}</strong> {t.silenceWhy} <PlainTime at={new Date(since).toISOString()} />.
          </span>
        </li>
      </ul>
    </section>
  );
}

/** While nothing is asked for because nobody is here: what is shown looks like now, on a screen on a wall above all. */
export function UnwatchedStrip() {
  const since = useUnwatchedSince();
  const client = useQueryClient();
  useEffect(() => {
    if (since === undefined) return;
    // Whoever comes back is shown how it is now.
    return () => void client.invalidateQueries();
  }, [since, client]);
  if (since === undefined) return null;
  return (
    <output className="strip strip-quiet" aria-label={t.unwatched}>
      <span>
        <Icon name="status-pending" /> <strong>{t.unwatched}</strong> {t.unwatchedFrom}{' '}
        <PlainTime at={new Date(since).toISOString()} />. {t.unwatchedWhy}
      </span>
    </output>
  );
}

/** Under the top bar while something holds that needs attention, the gravest first. */
export function StatusStrip() {
  const { data } = useStatus();
  const [all, setAll] = useState(false);
  const findings = (data?.body.findings ?? [])
    .filter(needsAttention)
    .toSorted((one, other) => Number(grave.has(other.trouble)) - Number(grave.has(one.trouble)));
  const [first] = findings;
  if (first === undefined) return null;
  const shown = all ? findings : [first];
  return (
    <section
      className={`strip ${grave.has(first.trouble) ? 'strip-grave' : 'strip-warning'}`}
      aria-label={t.strip}
    >
      <ul>
        {shown.map((finding) => (
          <li key={`${finding.trouble} ${finding.where} ${finding.message}`}>
            <Icon name={grave.has(finding.trouble) ? 'status-negative' : 'status-warning'} />
            <span>
              <strong>{finding.where}</strong> {sentence(finding.message)}
            </span>
            <AffectedLinks finding={finding} />
            <code>{finding.remediation}</code>
            {/* A node of an older version does not say. */}
            {typeof finding.command === 'string' && <CopyCommand command={finding.command} />}
          </li>
        ))}
      </ul>
      {findings.length > 1 && (
        <button type="button" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? t.fewerFindings : t.moreFindings(findings.length - 1)}
        </button>
      )}
    </section>
  );
}

/** Cloudscape's own has colours for a page, not for the strip. */
function CopyCommand({ command }: { command: string }) {
  const [word, setWord] = useState<string>(t.copy);
  return (
    <button
      type="button"
      aria-label={`${word}: ${command}`}
      onClick={() => {
        navigator.clipboard.writeText(command).then(
          () => setWord(t.copied),
          () => setWord(t.notCopied),
        );
      }}
    >
      {word}
    </button>
  );
}
