import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import { useAct } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { commands } from '../texts/commands.ts';
import { erased as t } from '../texts/erased.ts';

interface Props {
  token: string;
  /** Of what is not asked any more. */
  id: string;
  serials: readonly string[];
  onClose: () => void;
}

/** Puts on record that no key object is left in an HSM that is not asked any more: nobody but people can know. */
export function ErasedDialog({ token, id, serials, onClose }: Props) {
  const flash = useFlash();
  const record = useAct('recordErasedToken');
  const name = serials.at(-1) ?? token;
  return (
    <ActDialog
      title={t.title(name)}
      submitLabel={t.record}
      command={commands.tokenRecordErased(token, id)}
      typed={name}
      asksWhy
      onClose={onClose}
      onSubmit={async (why) => {
        await record.mutateAsync({ params: { token, replacedId: id }, body: why });
        flash({ type: 'success', header: t.done(name) });
      }}
    >
      <Box>{t.why}</Box>
      <Alert type="warning">{t.forGood}</Alert>
    </ActDialog>
  );
}
