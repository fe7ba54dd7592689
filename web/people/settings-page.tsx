import { useState } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { Answered } from '../api/client.ts';
import { fieldProblem } from '../api/problem.ts';
import { again, useAct, useRecord } from '../api/queries.ts';
import { useStoppedFact } from '../audit/last-act.tsx';
import { Copyable } from '../frame/copyable.tsx';
import { useFlash } from '../frame/flash.tsx';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Facts } from '../parts/facts.tsx';
import { NamedFields, TextField } from '../parts/fields.tsx';
import { RecordState } from '../parts/record-state.tsx';
import { changeOf, merged, useSeen, type Fact } from '../parts/seen.tsx';
import { State, stateWord } from '../parts/state.tsx';
import { WholeTime } from '../parts/time.tsx';
import { homeOf, useMay, useSession, useVaultId } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { people as t } from '../texts/people.ts';
import { retention } from '../texts/retention.ts';

type Vault = Schemas['Vault'];

interface Seen {
  vault: Vault;
  etag: string;
  refetch: () => Promise<Answered<Vault>>;
}

/** The vault itself: what it is called, whose it is, and its freeze as a whole. */
export function SettingsPage() {
  const vaultId = useVaultId();
  const may = useMay();
  const read = useRecord('getVault', { vaultId });
  const [open, setOpen] = useState<{ act: 'edit' | 'freeze' | 'thaw'; seen: Seen }>();
  return (
    <RecordState read={read}>
      {(vault, etag) => {
        const isFrozen = vault.frozenSince.vault !== null;
        const start = (act: 'edit' | 'freeze' | 'thaw') =>
          setOpen({ act, seen: { vault, etag, refetch: async () => again(read) } });
        return (
          <Page
            title={t.settings}
            description={t.settingsWhy}
            info={<State of={vault.state} />}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                {may('freezeVault') && (
                  <Button onClick={() => start(isFrozen ? 'thaw' : 'freeze')}>
                    {isFrozen ? t.thawVault : t.freezeVault}
                  </Button>
                )}
                {may('updateVault') && (
                  <Button variant="primary" onClick={() => start('edit')}>
                    {t.edit}
                  </Button>
                )}
              </SpaceBetween>
            }
          >
            <SpaceBetween size="l">
              {vault.frozenSince.appliance !== null && (
                <Alert type="warning" header={t.frozenByAppliance}>
                  {isFrozen ? t.frozenByBothWhy : t.frozenByApplianceWhy}
                </Alert>
              )}
              <VaultFacts vault={vault} />
            </SpaceBetween>
            {open?.act === 'edit' && <EditVaultDialog {...open.seen} onClose={() => setOpen(undefined)} />}
            {open !== undefined && open.act !== 'edit' && (
              <FreezeVaultDialog {...open.seen} act={open.act} onClose={() => setOpen(undefined)} />
            )}
          </Page>
        );
      }}
    </RecordState>
  );
}

function VaultFacts({ vault }: { vault: Vault }) {
  const home = homeOf(useSession().user);
  const may = useMay();
  const { vault: own, appliance } = vault.frozenSince;
  const stopped = useStoppedFact(vault.id, own === null && appliance === null ? undefined : 'vault.freeze');
  return (
    <Container>
      <Facts
        columns={2}
        items={[
          [t.vaultName, vault.name],
          [parts.description, vault.description || parts.none],
          [t.administrator, vault.administrator.name],
          [t.administratorEmail, vault.administrator.email],
          [t.signInUrl, <Copyable key="url" text={vault.signInUrl} what={t.signInUrl} />],
          [t.apiUrl, <Copyable key="api" text={vault.apiUrl} what={t.apiUrl} />],
          [t.tokens, vault.tokens.join(', ')],
          [t.frozenSince, <Freezes key="frozen" vault={vault} />],
          ...stopped,
          [parts.created, <WholeTime key="created" at={vault.createdAt} />],
          ...(may('getAuditTrail')
            ? [
                [
                  t.audit,
                  <Link key="audit" href={`${home}/audit/retention`}>
                    {retention.title}
                  </Link>,
                ] as const,
              ]
            : []),
        ]}
      />
    </Container>
  );
}

/** Each of the two with who ends it. */
function Freezes({ vault: { frozenSince } }: { vault: Vault }) {
  const sides = (['vault', 'appliance'] as const).filter((side) => frozenSince[side] !== null);
  if (sides.length === 0) return parts.no;
  return sides.map((side) => (
    <div key={side}>
      {t.frozenBy[side]}: <WholeTime at={frozenSince[side]} />
    </div>
  ));
}

export function factsOfVault(vault: Vault): readonly Fact[] {
  return [
    [t.vaultName, vault.name],
    [parts.description, vault.description],
    [t.administrator, vault.administrator.name],
    [t.administratorEmail, vault.administrator.email],
    [t.tokens, vault.tokens.join(', ')],
    [parts.state, stateWord(vault.state)],
  ];
}

interface VaultForm {
  name: string;
  description: string;
  administrator: string;
  email: string;
}

function formOf({ name, description, administrator }: Vault): VaultForm {
  return { name, description, administrator: administrator.name, email: administrator.email };
}

function bodyOf({ name, description, administrator, email }: VaultForm) {
  return { name, description, administrator: { name: administrator, email } };
}

export function EditVaultDialog({ vault, etag, refetch, onClose }: Seen & { onClose: () => void }) {
  const flash = useFlash();
  const [form, setForm] = useState(() => formOf(vault));
  const seen = useSeen({ body: vault, etag }, refetch, factsOfVault, (before, theirs) =>
    setForm((mine) => merged(mine, formOf(before), formOf(theirs))),
  );
  const change = changeOf(bodyOf(form), bodyOf(formOf(seen.now ?? vault)));
  const set = (change: Partial<typeof form>) => setForm((now) => ({ ...now, ...change }));
  const update = useAct('updateVault');
  return (
    <ActDialog
      title={t.titles.edit(vault.name)}
      submitLabel={parts.save}
      command={commands.vaultEdit(vault.name, changeOf(form, formOf(seen.now ?? vault)))}
      onClose={onClose}
      disabled={form.name === '' || Object.keys(change).length === 0}
      told={['/name', '/description', '/administrator']}
      {...seen.whenChanged}
      onSubmit={async () => {
        const params = { vaultId: vault.id };
        const { inForce } = await update.mutateAsync({ params, body: change, ifMatch: seen.etag });
        flash({ type: 'success', header: t.saved, inForce });
      }}
    >
      <NamedFields form={form} set={set} problem={update.error} nameLabel={t.vaultName} />
      <TextField
        label={t.administrator}
        value={form.administrator}
        onText={(administrator) => set({ administrator })}
        error={fieldProblem(update.error, '/administrator/name')}
      />
      <TextField
        label={t.administratorEmail}
        type="email"
        value={form.email}
        onText={(email) => set({ email })}
        error={fieldProblem(update.error, '/administrator/email')}
      />
    </ActDialog>
  );
}

export function FreezeVaultDialog({
  act,
  vault,
  etag,
  refetch,
  onClose,
}: Seen & { act: 'freeze' | 'thaw'; onClose: () => void }) {
  const flash = useFlash();
  const seen = useSeen({ body: vault, etag }, refetch, factsOfVault);
  const freeze = useAct('freezeVault');
  const thaw = useAct('thawVault');
  const isFreeze = act === 'freeze';
  return (
    <ActDialog
      title={`${isFreeze ? t.freezeVault : t.thawVault}: ${vault.name}`}
      submitLabel={isFreeze ? t.freezeVault : t.thawVault}
      command={commands.vaultFreeze(act, vault.name)}
      asksWhy
      onClose={onClose}
      {...seen.whenChanged}
      onSubmit={async (why) => {
        const { inForce } = await (isFreeze ? freeze : thaw).mutateAsync({
          params: { vaultId: vault.id },
          body: why,
          ifMatch: seen.etag,
        });
        flash({ type: 'success', header: isFreeze ? t.frozenNow : t.thawedNow, inForce });
      }}
    >
      <Box>{isFreeze ? t.freezeWhy : t.thawWhy}</Box>
    </ActDialog>
  );
}
