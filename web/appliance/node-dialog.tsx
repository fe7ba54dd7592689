import Box from '@cloudscape-design/components/box';
import { useAct, type ItemOf } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { appliance as t } from '../texts/appliance.ts';
import { commands } from '../texts/commands.ts';

type Node = ItemOf<'listNodes'>;
export type NodeAct = 'drain' | 'undrain' | 'remove';

/** What can be done with a node as it is: one that is up is not removed. */
export function actsOf({ state, drainedAt }: Node): NodeAct[] {
  return [drainedAt === null ? 'drain' : 'undrain', ...(state === 'DOWN' ? (['remove'] as const) : [])];
}

export function NodeDialog({ act, node, onClose }: { act: NodeAct; node: Node; onClose: () => void }) {
  const { id, hostname } = node;
  const flash = useFlash();
  const drain = useAct('drainNode');
  const undrain = useAct('undrainNode');
  const remove = useAct('removeNode');
  return (
    <ActDialog
      title={t.nodeTitles[act](hostname)}
      submitLabel={t.nodeActs[act]}
      command={commands.nodeAct(act, id)}
      onClose={onClose}
      {...(act === 'remove' ? { typed: hostname } : {})}
      asksWhy={act === 'remove'}
      onSubmit={async (why) => {
        const params = { nodeId: id };
        if (act === 'remove') await remove.mutateAsync({ params, body: why });
        else await { drain, undrain }[act].mutateAsync({ params });
        flash({ type: 'success', header: t.nodeDone[act](hostname) });
      }}
    >
      <Box>{t.nodeWhy[act]}</Box>
    </ActDialog>
  );
}
