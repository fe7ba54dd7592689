import { useState } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import type { Answered } from '../api/client.ts';
import { useAct } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog, type Why } from '../parts/act-dialog.tsx';
import { Facts } from '../parts/facts.tsx';
import { seenOf } from '../parts/seen.tsx';
import { WholeTime } from '../parts/time.tsx';
import { useVaultId } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { frame } from '../texts/frame.ts';
import { keys as t } from '../texts/keys.ts';
import { parts } from '../texts/parts.ts';
import { DaysField, isWaitingTime } from './days-field.tsx';
import { KeyState } from './key-state.tsx';
import { isDoneInAws, Outcomes } from './outcomes.tsx';
import { SideField, type Side } from './side.tsx';
import { lastUse, wasUsedLately, type CloudKey } from './use.ts';

export type KeyAct = 'disable' | 'enable' | 'rotate' | 'remove' | 'cancel';

/** An act on one CloudKey, against what was seen of it when the dialog was opened. */
export function KeyDialog({
  act,
  cloudKey,
  etag,
  refetch,
  onClose,
}: {
  act: KeyAct;
  cloudKey: CloudKey;
  etag: string;
  refetch: () => Promise<Answered<CloudKey>>;
  onClose: () => void;
}) {
  const vaultId = useVaultId();
  const flash = useFlash();
  const [side, setSide] = useState<Side>('ours');
  const [days, setDays] = useState('30');
  const [seen, setSeen] = useState({ etag, cloudKey });
  const params = { vaultId, cloudKeyId: cloudKey.id };
  const disable = useAct('disableCloudKey');
  const enable = useAct('enableCloudKey');
  const rotate = useAct('rotateCloudKey');
  const remove = useAct('scheduleCloudKeyDeletion');
  const cancel = useAct('cancelCloudKeyDeletion');
  const { name, keySetName } = cloudKey;
  const both = side === 'both';
  const words = wordsOf(act, name);

  const run = async (why: Why) => {
    const common = { params, ifMatch: seen.etag };
    if (act === 'rotate') {
      const { body } = await rotate.mutateAsync(common);
      return flash({ type: 'success', header: t.done.rotate(name, body.currentVersion) });
    }
    const done =
      act === 'remove'
        ? await remove.mutateAsync({ ...common, body: { days: Number(days), cloud: side, ...why } })
        : await { disable, enable, cancel }[act].mutateAsync({ ...common, body: { cloud: side, ...why } });
    flash({
      type: isDoneInAws(done.body.aws) ? 'success' : 'warning',
      header: t.done[act](name),
      inForce: done.inForce,
      content: <Outcomes aws={done.body.aws} />,
    });
  };

  const command = {
    disable: () => commands.cloudKeyAct('disable', name, keySetName, both),
    enable: () => commands.cloudKeyAct('enable', name, keySetName, both),
    cancel: () => commands.cloudKeyAct('cancel-deletion', name, keySetName, both),
    rotate: () => commands.cloudKeyRotate(name, keySetName),
    remove: () => commands.cloudKeyDelete(name, keySetName, days, both),
  }[act]();

  return (
    <ActDialog
      title={words.title}
      submitLabel={words.submit}
      command={command}
      asksWhy={act !== 'rotate'}
      onClose={onClose}
      onSubmit={run}
      {...(act === 'remove' ? { typed: name } : {})}
      disabled={act === 'remove' && !isWaitingTime(days)}
      onConflict={async () => {
        const { body, etag: now } = seenOf(await refetch());
        setSeen({ etag: now, cloudKey: body });
      }}
      conflict={
        <Facts
          columns={2}
          items={[
            [frame.conflictYours, <KeyState key="yours" of={cloudKey} />],
            [frame.conflictTheirs, <KeyState key="theirs" of={seen.cloudKey} />],
          ]}
        />
      }
    >
      <Box>{words.why}</Box>
      {(act === 'disable' || act === 'remove') && <Use cloudKey={seen.cloudKey} />}
      {act === 'remove' && wasUsedLately(seen.cloudKey) && <Alert type="warning">{t.deleteUsed}</Alert>}
      {act === 'remove' && <DaysField days={days} onDays={setDays} />}
      {act !== 'rotate' && <SideField side={side} onSide={setSide} />}
    </ActDialog>
  );
}

/** Who is hit: what AWS did with the key, before it is taken away. */
function Use({ cloudKey: { use } }: { cloudKey: CloudKey }) {
  const last = lastUse(use);
  return (
    <Facts
      columns={3}
      items={[
        [t.usedLast, <WholeTime key="last" at={last} none={parts.never} />],
        [t.encrypts, t.used(use.encrypts)],
        [t.decrypts, t.used(use.decrypts)],
      ]}
    />
  );
}

function wordsOf(act: KeyAct, name: string): { title: string; why: string; submit: string } {
  switch (act) {
    case 'disable':
      return { title: t.disableTitle(name), why: t.disableWhy, submit: t.disable };
    case 'enable':
      return { title: t.enableTitle(name), why: t.enableWhy, submit: t.enable };
    case 'rotate':
      return { title: t.rotateTitle(name), why: t.rotateWhy, submit: t.rotate };
    case 'remove':
      return { title: t.deleteTitle(name), why: t.deleteWhy, submit: t.deleteSubmit };
    case 'cancel':
      return { title: t.cancelTitle(name), why: t.cancelWhy, submit: t.cancelDeletion };
  }
}
