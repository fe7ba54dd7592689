import { useState, type ReactNode } from 'react';
import Box from '@cloudscape-design/components/box';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { call } from '../api/client.ts';
import { useAct, useIdempotencyKeys } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { NamedFields } from '../parts/fields.tsx';
import { changeOf, merged, Opened, useSeen, type Fact, type Seen } from '../parts/seen.tsx';
import { useVaultId } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { people as t } from '../texts/people.ts';

export type Group = Schemas['AdminGroup'];

interface OpenedProps {
  group: Group;
  title: string;
  onClose: () => void;
  children: (seen: Seen<Group>) => ReactNode;
}

export function OpenedGroup({ group, ...props }: OpenedProps) {
  const read = useReadGroup(group.id);
  return <Opened<Group> read={read} {...props} />;
}

function useReadGroup(groupId: string) {
  const vaultId = useVaultId();
  return async () => call('getAdminGroup', { params: { vaultId, groupId } });
}

function factsOf({ name, description }: Group): readonly Fact[] {
  return [
    [parts.name, name],
    [parts.description, description],
  ];
}

function formOf({ name, description }: Group): { name: string; description: string } {
  return { name, description };
}

export function GroupForm({ first, onClose }: { first?: Seen<Group>; onClose: () => void }) {
  const group = first?.body;
  const vaultId = useVaultId();
  const flash = useFlash();
  const keyOf = useIdempotencyKeys();
  const [body, setBody] = useState(group === undefined ? { name: '', description: '' } : formOf(group));
  const { name, description } = body;
  const set = (change: Partial<typeof body>) => setBody((before) => ({ ...before, ...change }));
  const { now, etag, whenChanged } = useSeen(
    first,
    useReadGroup(group?.id ?? ''),
    factsOf,
    (before, theirs) => setBody((mine) => merged(mine, formOf(before), formOf(theirs))),
  );
  const change = now === undefined ? body : changeOf(body, formOf(now));
  const create = useAct('createAdminGroup');
  const update = useAct('updateAdminGroup');
  const problem = create.error ?? update.error;
  return (
    <ActDialog
      title={group === undefined ? t.createGroup : t.titles.edit(group.name)}
      submitLabel={group === undefined ? t.createSubmit : parts.save}
      command={
        group === undefined ? commands.groupCreate(name, description) : commands.groupEdit(group.name, change)
      }
      onClose={onClose}
      disabled={name === '' || Object.keys(change).length === 0}
      told={['/name', '/description']}
      {...whenChanged}
      onSubmit={async () => {
        if (group === undefined)
          await create.mutateAsync({ params: { vaultId }, body, idempotencyKey: keyOf(body) });
        else {
          const params = { vaultId, groupId: group.id };
          await update.mutateAsync({ params, body: change, ifMatch: etag });
        }
        flash({ type: 'success', header: t.done(name) });
      }}
    >
      <NamedFields form={{ name, description }} set={set} problem={problem} />
    </ActDialog>
  );
}

export function RemoveGroup({ first, onClose }: { first: Seen<Group>; onClose: () => void }) {
  const group = first.body;
  const vaultId = useVaultId();
  const flash = useFlash();
  const remove = useAct('deleteAdminGroup');
  const { etag, whenChanged } = useSeen(first, useReadGroup(group.id), factsOf);
  return (
    <ActDialog
      title={t.titles.remove(group.name)}
      submitLabel={t.remove}
      command={commands.groupDelete(group.name)}
      onClose={onClose}
      typed={group.name}
      asksWhy
      {...whenChanged}
      onSubmit={async (why) => {
        await remove.mutateAsync({ params: { vaultId, groupId: group.id }, body: why, ifMatch: etag });
        flash({ type: 'success', header: t.done(group.name) });
      }}
    >
      <Box>{t.groupRemoveWhy}</Box>
    </ActDialog>
  );
}

interface TakeOutProps {
  group: Group;
  user: Pick<Schemas['User'], 'id' | 'username'>;
  onClose: () => void;
}

export function TakeOutDialog({ group, user, onClose }: TakeOutProps) {
  const vaultId = useVaultId();
  const flash = useFlash();
  const remove = useAct('removeAdminGroupMember');
  return (
    <ActDialog
      title={t.takeOutTitle(user.username, group.name)}
      submitLabel={t.takeOut}
      command={commands.groupRemove(group.name, user.username)}
      asksWhy
      onClose={onClose}
      onSubmit={async (why) => {
        await remove.mutateAsync({ params: { vaultId, groupId: group.id, userId: user.id }, body: why });
        flash({ type: 'success', header: t.done(group.name) });
      }}
    >
      <Box>{t.takeOutWhy}</Box>
    </ActDialog>
  );
}
