import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import { useIdempotencyKeys } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Facts } from '../parts/facts.tsx';
import { FileField } from '../parts/file-field.tsx';
import { utcTime } from '../parts/time.tsx';
import { useSession } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { numberText } from '../texts/locale.ts';
import { retention as t } from '../texts/retention.ts';
import { ArchiveFlaw, mostMebibytes, readArchive, type Archive, type Flaw } from './archive-file.ts';
import { usePrune, type Pruning } from './use-trail.ts';

type Read =
  | { kind: 'none' }
  | { kind: 'reading'; file: File }
  | { kind: 'flaw'; text: string }
  | { kind: 'whole'; archive: Archive };

interface Props {
  /** What was asked for before, of the trail that is shown. */
  known: readonly Pruning[];
  onClose: () => void;
  /** With the vault whose trail it is. */
  onDone: (vault: Archive['vault']) => void;
}

/** Has the events of an archive deleted: it is read here first, and compared by the node with what it has. */
export function PruneDialog({ known, onClose, onDone }: Props) {
  const { vaultId } = useSession().user;
  const flash = useFlash();
  const [file, setFile] = useState<File>();
  const [read, setRead] = useState<Read>({ kind: 'none' });
  const prune = usePrune();
  const keyOf = useIdempotencyKeys();
  const take = (chosen: File | undefined) => {
    setFile(chosen);
    if (chosen === undefined) return setRead({ kind: 'none' });
    setRead({ kind: 'reading', file: chosen });
    // Another may have been chosen meanwhile.
    const came = (read: Read) =>
      setRead((now) => (now.kind === 'reading' && now.file === chosen ? read : now));
    readArchive(chosen).then(
      (archive) => came(judged(archive, vaultId, known)),
      (error: unknown) => came({ kind: 'flaw', text: flawText(error) }),
    );
  };
  const archive = read.kind === 'whole' ? read.archive : undefined;
  return (
    <ActDialog
      title={t.prune}
      submitLabel={t.pruneSubmit}
      size="large"
      command={commands.auditPrune(file?.name ?? '')}
      typed={t.pruneTyped}
      disabled={archive === undefined}
      onClose={onClose}
      onSubmit={async () => {
        if (archive === undefined) return;
        await prune(archive, keyOf(archive));
        flash({ type: 'success', header: t.asked(numberText(archive.count)) });
        onDone(archive.vault);
      }}
    >
      <Box>{t.pruneWhy}</Box>
      <FileField
        label={t.file}
        accept=".jsonl,.gz"
        files={file === undefined ? [] : [file]}
        onFiles={([chosen]) => take(chosen)}
        isLoading={read.kind === 'reading'}
        error={read.kind === 'flaw' ? read.text : undefined}
      />
      {read.kind === 'reading' && <Box>{t.reading}</Box>}
      {archive !== undefined && (
        <Facts
          columns={2}
          items={[
            [t.range, t.rangeOf(archive.from && utcTime(archive.from), utcTime(archive.before))],
            [t.count, numberText(archive.count)],
            [t.trail, archive.vault?.name ?? t.appliance],
          ]}
        />
      )}
    </ActDialog>
  );
}

/** The appliance prunes its own trail, and those of vaults that were deleted, which the node knows. */
function judged(archive: Archive, vaultId: string | null, known: readonly Pruning[]): Read {
  if (vaultId !== null && archive.vault?.id !== vaultId)
    return { kind: 'flaw', text: t.notWhole.otherTrail(archive.vault?.name ?? t.appliance) };
  const isSame = ({ state, from, before, count, sha256 }: Pruning) =>
    state !== 'REFUSED' &&
    from === archive.from &&
    before === archive.before &&
    count === archive.count &&
    sha256 === archive.sha256;
  return known.some(isSame) ? { kind: 'flaw', text: t.notWhole.known } : { kind: 'whole', archive };
}

const flaws: Readonly<Record<Flaw, string>> = {
  ...t.notWhole,
  large: t.notWhole.large(mostMebibytes),
};

/** What a browser cannot read, it does not say why. */
function flawText(error: unknown): string {
  return error instanceof ArchiveFlaw ? flaws[error.flaw] : t.notWhole.none;
}
