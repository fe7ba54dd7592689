import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useAct, useList, useWholeList, type ItemOf } from '../api/queries.ts';
import { CommandLine } from '../frame/command.tsx';
import { Page } from '../frame/page.tsx';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { actsColumn } from '../parts/acts-column.tsx';
import { SelectField } from '../parts/fields.tsx';
import { Empty, ResourceTable, useSort } from '../parts/resource-table.tsx';
import { Time } from '../parts/time.tsx';
import { useMay, useVaultId } from '../session/session.tsx';
import { useSubmit } from '../session/use-submit.ts';
import { commands } from '../texts/commands.ts';
import { frame } from '../texts/frame.ts';
import { parts } from '../texts/parts.ts';
import { people as t } from '../texts/people.ts';
import { GroupForm, OpenedGroup, RemoveGroup, TakeOutDialog, type Group } from './group-dialogs.tsx';

type GroupAct = 'create' | 'edit' | 'members' | 'remove';

/** Groups that own CSP accounts and key sets. */
export function GroupsPage() {
  const vaultId = useVaultId();
  const may = useMay();
  const sort = useSort(['name', '-name', 'createdAt', '-createdAt', 'updatedAt', '-updatedAt'], 'name');
  const list = useList('listAdminGroups', { vaultId }, { query: { sort } });
  const [open, setOpen] = useState<{ act: GroupAct; group?: Group }>();
  const mayChange = may('createAdminGroup');
  const close = () => setOpen(undefined);
  const create = mayChange && (
    <Button variant="primary" onClick={() => setOpen({ act: 'create' })}>
      {t.createGroup}
    </Button>
  );
  return (
    <Page title={t.groups} headless>
      <ResourceTable<Group>
        id="admin-groups"
        title={t.groups}
        description={t.groupsWhy}
        list={list}
        sort={sort}
        idOf={({ id }) => id}
        nameOf={({ name }) => name}
        actions={create}
        empty={
          <Empty title={t.noGroups} why={t.noGroupsWhy}>
            {create}
          </Empty>
        }
        columns={[
          {
            id: 'name',
            header: parts.name,
            sortedAs: 'name',
            isRowHeader: true,
            text: ({ name }) => name,
            cell: ({ name }) => name,
          },
          {
            id: 'members',
            header: t.members,
            cell: (group) =>
              may('listAdminGroupMembers') ? (
                <Button
                  variant="inline-link"
                  ariaLabel={`${group.members} ${t.membersOf(group.name)}`}
                  onClick={() => setOpen({ act: 'members', group })}
                >
                  {group.members}
                </Button>
              ) : (
                group.members
              ),
          },
          {
            id: 'description',
            header: parts.description,
            text: ({ description }) => description,
            cell: ({ description }) => description || parts.none,
            width: 240,
          },
          {
            id: 'createdAt',
            header: parts.created,
            sortedAs: 'createdAt',
            cell: ({ createdAt }) => <Time at={createdAt} />,
          },
          ...(mayChange
            ? [
                actsColumn({
                  nameOf: (group: Group) => group.name,
                  actsOf: () => [
                    { id: 'members', text: t.members },
                    { id: 'edit', text: t.edit },
                    { id: 'remove', text: t.remove },
                  ],
                  onAct: (act: GroupAct, group) => setOpen({ act, group }),
                }),
              ]
            : []),
        ]}
      />
      {open?.act === 'create' && <GroupForm onClose={close} />}
      {open?.act === 'edit' && open.group !== undefined && (
        <OpenedGroup group={open.group} title={t.titles.edit(open.group.name)} onClose={close}>
          {(seen) => <GroupForm first={seen} onClose={close} />}
        </OpenedGroup>
      )}
      {open?.act === 'members' && open.group !== undefined && (
        <Members group={open.group} mayChange={mayChange} onClose={close} />
      )}
      {open?.act === 'remove' && open.group !== undefined && (
        <OpenedGroup group={open.group} title={t.titles.remove(open.group.name)} onClose={close}>
          {(seen) => <RemoveGroup first={seen} onClose={close} />}
        </OpenedGroup>
      )}
    </Page>
  );
}

function Members({ group, mayChange, onClose }: { group: Group; mayChange: boolean; onClose: () => void }) {
  const vaultId = useVaultId();
  const params = { vaultId, groupId: group.id };
  const members = useWholeList('listAdminGroupMembers', params, { every: 5_000 });
  const users = useWholeList('listUsers', { vaultId }, { enabled: mayChange });
  const [chosen, setChosen] = useState('');
  const add = useAct('addAdminGroupMember');
  const [leaving, setLeaving] = useState<ItemOf<'listAdminGroupMembers'>>();
  const inside = new Set((members.data ?? []).map(({ id }) => id));
  const others = (users.data ?? []).filter(({ id }) => !inside.has(id));
  const { submit, busy, problem } = useSubmit(async () => {
    await add.mutateAsync({ params: { ...params, userId: chosen } });
    setChosen('');
  });
  if (leaving !== undefined)
    return <TakeOutDialog group={group} user={leaving} onClose={() => setLeaving(undefined)} />;
  return (
    <Modal visible header={t.membersOf(group.name)} closeAriaLabel={frame.close} onDismiss={onClose}>
      <SpaceBetween size="m">
        <Box color="text-body-secondary">{t.membersWhy}</Box>
        {problem !== undefined && <ProblemAlert problem={problem} />}
        {(members.data ?? []).length === 0 && <Box color="text-body-secondary">{t.noMembers}</Box>}
        {(members.data ?? []).map((user) => (
          <div key={user.id} className="line">
            <span>
              {user.username} {user.displayName !== '' && `(${user.displayName})`}
            </span>
            {mayChange && (
              <Button
                variant="inline-link"
                ariaLabel={t.takeOutTitle(user.username, group.name)}
                onClick={() => setLeaving(user)}
              >
                {t.takeOut}
              </Button>
            )}
          </div>
        ))}
        {mayChange && (
          <SpaceBetween size="m">
            <SelectField
              label={t.addWho}
              value={chosen}
              onValue={setChosen}
              options={others.map(({ id, username, displayName }) => ({
                value: id,
                label: username,
                description: displayName,
              }))}
              isLoading={users.isPending}
            />
            <Button loading={busy} disabled={chosen === ''} onClick={submit}>
              {t.addMember}
            </Button>
            <CommandLine
              command={commands.groupAdd(
                group.name,
                others.find(({ id }) => id === chosen)?.username ?? 'USER',
              )}
            />
          </SpaceBetween>
        )}
      </SpaceBetween>
    </Modal>
  );
}
