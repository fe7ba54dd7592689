import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { useAct } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { useVaultId } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { freezes as t } from '../texts/freezes.ts';
import { keySets } from '../texts/key-sets.ts';

interface Props {
  act: 'freeze' | 'thaw';
  chosen: readonly Schemas['KeySet'][];
  onClose: () => void;
}

/** Freezes or thaws several key sets in one transaction: all of them, or none. */
export function FreezeSeveralDialog({ act, chosen, onClose }: Props) {
  const vaultId = useVaultId();
  const flash = useFlash();
  // What somebody has seen in the list as they pressed the button, whatever is looked at meanwhile.
  const [seen] = useState(chosen);
  const freeze = useAct('freezeKeySets');
  const thaw = useAct('thawKeySets');
  const isFreeze = act === 'freeze';
  return (
    <ActDialog
      title={isFreeze ? t.freezeSeveral(seen.length) : t.thawSeveral(seen.length)}
      submitLabel={isFreeze ? keySets.freeze : keySets.thaw}
      command={commands.keySetsFreeze(
        act,
        seen.map(({ name }) => name),
      )}
      asksWhy
      onClose={onClose}
      onSubmit={async (why) => {
        const { body, inForce } = await (isFreeze ? freeze : thaw).mutateAsync({
          params: { vaultId },
          body: { keySets: seen.map(({ id }) => id), ...why },
        });
        const done = isFreeze ? t.severalFrozen : t.severalThawed;
        flash({ type: 'success', header: done(body.keySets, body.changed), inForce });
      }}
    >
      <Box>{isFreeze ? t.freezeSeveralWhy : t.thawSeveralWhy}</Box>
      <ul className="plain-list">
        {seen.map(({ id, name, cloudKeys }) => (
          <li key={id}>{t.withKeys(name, cloudKeys)}</li>
        ))}
      </ul>
    </ActDialog>
  );
}
