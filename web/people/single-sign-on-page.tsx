import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { call, type Answered } from '../api/client.ts';
import { fieldProblem, isProblemOf } from '../api/problem.ts';
import { pace } from '../api/looks.ts';
import { again, useDo, useRecord } from '../api/queries.ts';
import { Copyable } from '../frame/copyable.tsx';
import { useFlash } from '../frame/flash.tsx';
import { Page } from '../frame/page.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { Facts } from '../parts/facts.tsx';
import { SelectField, TextField } from '../parts/fields.tsx';
import { RecordState } from '../parts/record-state.tsx';
import { Empty } from '../parts/resource-table.tsx';
import { useSeen, useWhole, type Fact, type Seen } from '../parts/seen.tsx';
import { useMay, useSession } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { parts } from '../texts/parts.ts';
import { people as t } from '../texts/people.ts';

type Provider = Schemas['OidcProvider'];

function useProvider() {
  const { vaultId } = useSession().user;
  const inVault = useRecord(
    'getVaultOidcProvider',
    { vaultId: vaultId ?? '' },
    { enabled: vaultId !== null, every: pace.rare },
  );
  const ofAppliance = useRecord('getOidcProvider', undefined, {
    enabled: vaultId === null,
    every: pace.rare,
  });
  return vaultId === null ? ofAppliance : inVault;
}

/** The OpenID Connect provider of the vault, or of the appliance. */
export function SingleSignOnPage() {
  const read = useProvider();
  const may = useMay();
  const [open, setOpen] = useState<{ act: 'edit' | 'remove'; seen?: Seen<Provider> | undefined }>();
  const mayChange = may('putVaultOidcProvider') || may('putOidcProvider');
  const isNone = isProblemOf(read.error, 'not-found');
  const seen = isNone || read.data === undefined ? undefined : { ...read.data, etag: read.data.etag ?? '' };
  return (
    <Page
      title={t.sso}
      description={t.ssoWhy}
      actions={
        mayChange &&
        (isNone || seen !== undefined) && (
          <SpaceBetween direction="horizontal" size="xs">
            {seen !== undefined && (
              <Button onClick={() => setOpen({ act: 'remove', seen })}>{t.ssoRemove}</Button>
            )}
            <Button variant="primary" onClick={() => setOpen({ act: 'edit', seen })}>
              {seen === undefined ? t.ssoSetUp : t.ssoEdit}
            </Button>
          </SpaceBetween>
        )
      }
    >
      {isNone ? (
        <Container>
          <Empty title={t.ssoNone} why={t.ssoNoneWhy} />
        </Container>
      ) : (
        <RecordState read={read}>{(provider) => <ProviderFacts provider={provider} />}</RecordState>
      )}
      {open?.act === 'edit' && (
        <ProviderDialog
          seen={open.seen}
          refetch={async () => again(read)}
          onClose={() => setOpen(undefined)}
        />
      )}
      {open?.act === 'remove' && open.seen !== undefined && (
        <RemoveDialog seen={open.seen} refetch={async () => again(read)} onClose={() => setOpen(undefined)} />
      )}
    </Page>
  );
}

function ProviderFacts({ provider }: { provider: Provider }) {
  return (
    <Container>
      <Facts
        columns={2}
        items={[
          [t.issuer, <Copyable key="issuer" text={provider.issuer} what={t.issuer} />],
          [
            t.redirectUri,
            <div key="redirect">
              <Copyable text={provider.redirectUri} what={t.redirectUri} />
              <Box color="text-body-secondary" fontSize="body-s">
                {t.redirectUriWhy}
              </Box>
            </div>,
          ],
          [t.clientId, <Copyable key="client" text={provider.clientId} what={t.clientId} />],
          [t.hasSecret, provider.hasClientSecret ? parts.yes : parts.no],
          [t.scopes, provider.scopes.join(' ')],
          [t.claim, t.claims[provider.usernameClaim]],
        ]}
      />
    </Container>
  );
}

interface DialogProps {
  seen: Seen<Provider> | undefined;
  refetch: () => Promise<Answered<Provider>>;
  onClose: () => void;
}

function formOf(provider: Provider | undefined) {
  return {
    issuer: provider?.issuer ?? '',
    clientId: provider?.clientId ?? '',
    clientSecret: '',
    scopes: provider?.scopes.join(' ') ?? 'openid email profile',
    usernameClaim: provider?.usernameClaim ?? 'email',
    caCertificates: provider?.caCertificates ?? '',
  };
}

function factsOf(provider: Provider): readonly Fact[] {
  return [
    [t.issuer, provider.issuer],
    [t.clientId, provider.clientId],
    [t.hasSecret, provider.hasClientSecret ? parts.yes : parts.no],
    [t.scopes, provider.scopes.join(' ')],
    [t.claim, t.claims[provider.usernameClaim]],
    [t.ca, provider.caCertificates ?? ''],
  ];
}

function ProviderDialog({ seen, refetch, onClose }: DialogProps) {
  const { vaultId } = useSession().user;
  const run = useDo();
  const flash = useFlash();
  const before = seen?.body;
  const [problem, setProblem] = useState<unknown>();
  const [form, setForm] = useState(() => formOf(before));
  // The record is sent whole.
  const { ifMatch, whenChanged } = useWhole(seen, refetch, factsOf, (now) => setForm(formOf(now)));
  const set = (change: Partial<typeof form>) => setForm((now) => ({ ...now, ...change }));
  const body = {
    issuer: form.issuer,
    clientId: form.clientId,
    scopes: form.scopes.split(/\s+/).filter((scope) => scope !== ''),
    usernameClaim: form.usernameClaim,
    caCertificates: form.caCertificates === '' ? null : form.caCertificates,
    ...(form.clientSecret === '' ? {} : { clientSecret: form.clientSecret }),
  };
  return (
    <ActDialog
      size="large"
      title={t.sso}
      submitLabel={parts.save}
      command={commands.ssoSet(form)}
      onClose={onClose}
      disabled={form.issuer === '' || form.clientId === ''}
      told={['/issuer', '/clientId', '/clientSecret', '/scopes', '/usernameClaim', '/caCertificates']}
      {...whenChanged}
      onSubmit={async () => {
        try {
          const match = await ifMatch();
          await run<Answered<Provider>>(async () =>
            vaultId === null
              ? call('putOidcProvider', { body, ifMatch: match })
              : call('putVaultOidcProvider', { params: { vaultId }, body, ifMatch: match }),
          );
        } catch (error) {
          setProblem(error);
          throw error;
        }
        flash({ type: 'success', header: t.ssoSaved });
      }}
    >
      <TextField
        label={t.issuer}
        description={t.issuerWhy}
        value={form.issuer}
        onText={(issuer) => set({ issuer })}
        error={fieldProblem(problem, '/issuer')}
        mono
        autoFocus
      />
      <TextField
        label={t.clientId}
        value={form.clientId}
        onText={(clientId) => set({ clientId })}
        error={fieldProblem(problem, '/clientId')}
        mono
      />
      <TextField
        label={t.clientSecret}
        constraint={before?.hasClientSecret === true ? t.clientSecretStays : undefined}
        optional
        type="password"
        autoComplete="new-password"
        value={form.clientSecret}
        onText={(clientSecret) => set({ clientSecret })}
        error={fieldProblem(problem, '/clientSecret')}
      />
      <TextField
        label={t.scopes}
        description={t.scopesWhy}
        value={form.scopes}
        onText={(scopes) => set({ scopes })}
        error={fieldProblem(problem, '/scopes')}
        mono
      />
      <SelectField
        label={t.claim}
        value={form.usernameClaim}
        onValue={(usernameClaim) => set({ usernameClaim: usernameClaim as Provider['usernameClaim'] })}
        options={(Object.keys(t.claims) as Provider['usernameClaim'][]).map((value) => ({
          value,
          label: t.claims[value],
        }))}
        error={fieldProblem(problem, '/usernameClaim')}
      />
      <TextField
        label={t.ca}
        description={t.caWhy}
        optional
        rows={3}
        value={form.caCertificates}
        onText={(caCertificates) => set({ caCertificates })}
        error={fieldProblem(problem, '/caCertificates')}
        mono
      />
    </ActDialog>
  );
}

function RemoveDialog({ seen, refetch, onClose }: DialogProps & { seen: Seen<Provider> }) {
  const { vaultId } = useSession().user;
  const run = useDo();
  const flash = useFlash();
  const { etag, whenChanged } = useSeen(seen, refetch, factsOf);
  return (
    <ActDialog
      title={t.ssoRemoveTitle}
      submitLabel={t.ssoRemove}
      command={commands.ssoDelete()}
      asksWhy
      onClose={onClose}
      {...whenChanged}
      onSubmit={async (why) => {
        await run<unknown>(async () =>
          vaultId === null
            ? call('deleteOidcProvider', { body: why, ifMatch: etag })
            : call('deleteVaultOidcProvider', { params: { vaultId }, body: why, ifMatch: etag }),
        );
        flash({ type: 'success', header: t.ssoRemoved });
      }}
    >
      <Box>{t.ssoRemoveWhy}</Box>
    </ActDialog>
  );
}
