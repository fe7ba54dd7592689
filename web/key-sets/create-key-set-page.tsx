import { useState, type ReactNode } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Toggle from '@cloudscape-design/components/toggle';
import Wizard from '@cloudscape-design/components/wizard';
import { useNavigate } from 'react-router';
import { useAct, useIdempotencyKeys, useRecord, useWholeList } from '../api/queries.ts';
import { AccountDialog } from '../cloud/account-dialog.tsx';
import { ByHandPanel, type ByHand } from '../cloud/by-hand-panel.tsx';
import { StoreFields } from '../cloud/store-fields.tsx';
import { emptyStore, settled, storeBody, toldByStoreFields } from '../cloud/store-form.ts';
import { CommandLine } from '../frame/command.tsx';
import { useFlash } from '../frame/flash.tsx';
import { Page } from '../frame/page.tsx';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { Facts } from '../parts/facts.tsx';
import { isTyped, useUnsaved } from '../parts/unsaved.tsx';
import { wizardTexts } from '../parts/wizard-texts.ts';
import { homeOf, useMay, useSession, useVaultId } from '../session/session.tsx';
import { stores } from '../texts/cloud.ts';
import { commands } from '../texts/commands.ts';
import { keySets as t } from '../texts/key-sets.ts';
import { AccountFields, DetailsFields, ForAwsField, ScheduleFields, TokenFields } from './key-set-fields.tsx';
import { bodyOf, factsOfNew, formOf, toldByKeySetFields, wordsOf, type KeySetForm } from './key-set-form.ts';
import { VerifyToken } from './verify-token.tsx';

/** What a person has to enter in AWS, this once, and the page that is next. */
interface Manually {
  shown: ByHand;
  to: string;
}

/**
 * Details, token, CSP account, schedule, external key store, review; it ends where the connection is seen, or of one that is made
 * manually with what to enter in AWS.
 */
export function CreateKeySetPage() {
  const home = homeOf(useSession().user);
  const navigate = useNavigate();
  const [manually, setManually] = useState<Manually>();
  if (manually === undefined) return <KeySetWizard onManual={setManually} />;
  return (
    <Page title={t.create} above={[{ text: t.title, href: `${home}/key-sets` }]}>
      <ByHandPanel shown={manually.shown} onClose={() => void navigate(manually.to)} />
    </Page>
  );
}

function KeySetWizard({ onManual }: { onManual: (manually: Manually) => void }) {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const [step, setStep] = useState(0);
  const [tried, setTried] = useState(false);
  const making = useMaking(onManual);
  const { form, set, store, setStore, account, connects, setConnects, problem } = making;
  const fields = { form, set, problem };
  // What a step still needs: the next is not shown before.
  const owed = [
    form.name === '' ? [t.owed.name] : [],
    form.token === '' ? [t.owed.token] : [],
    [],
    [],
    connects && making.whole.region === '' ? [t.owed.region] : [],
  ];
  const goTo = (wanted: number) => {
    const first = owed.findIndex((missing) => missing.length > 0);
    setTried(first >= 0 && wanted > first);
    setStep(first >= 0 && wanted > first ? first : wanted);
  };
  const told = [...toldByKeySetFields, ...toldByStoreFields];
  const content = (children: ReactNode, of: number) => (
    <SpaceBetween size="l">
      {tried && owed[of]?.map((missing) => <Alert key={missing} type="error" header={missing} />)}
      <Container>{children}</Container>
    </SpaceBetween>
  );
  return (
    <Page title={t.create} above={[{ text: t.title, href: `${home}/key-sets` }]} headless>
      {making.question}
      <Wizard
        activeStepIndex={step}
        i18nStrings={wizardTexts(t.create, t.create)}
        isLoadingNextStep={making.isPending}
        onCancel={() => void making.leave(`${home}/key-sets`)}
        onNavigate={({ detail }) => goTo(detail.requestedStepIndex)}
        onSubmit={() => void making.submit().catch(() => undefined)}
        steps={[
          { title: t.steps.details, content: content(<DetailsFields {...fields} />, 0) },
          {
            title: t.steps.token,
            content: content(
              <SpaceBetween size="m">
                <TokenFields {...fields} />
                <VerifyToken token={form.token} />
              </SpaceBetween>,
              1,
            ),
          },
          {
            title: t.steps.account,
            isOptional: true,
            content: content(
              <SpaceBetween size="m">
                <AccountFields {...fields} />
                <NewAccount vaultId={vaultId} onMade={(cspAccountId) => set({ cspAccountId })} />
              </SpaceBetween>,
              2,
            ),
          },
          {
            title: t.steps.schedule,
            isOptional: true,
            content: content(<ScheduleFields {...fields} />, 3),
          },
          {
            title: t.steps.store,
            isOptional: true,
            content: content(
              <SpaceBetween size="l">
                <ForAwsField {...fields} />
                {form.externalKeyStore && (
                  <Toggle
                    checked={connects}
                    description={t.storeNowWhy}
                    onChange={({ detail }) => setConnects(detail.checked)}
                  >
                    {t.storeNow}
                  </Toggle>
                )}
                {connects && <StoreFields form={store} set={setStore} account={account} problem={problem} />}
              </SpaceBetween>,
              4,
            ),
          },
          {
            title: t.steps.review,
            content: (
              <SpaceBetween size="l">
                {making.madeId !== undefined && (
                  <Alert type="warning" header={t.halfMade(form.name)}>
                    {t.halfMadeWhy}
                  </Alert>
                )}
                {problem !== null && <ProblemAlert problem={problem} told={step === 5 ? undefined : told} />}
                <Container>
                  <SpaceBetween size="l">
                    <Facts columns={2} items={making.facts} />
                    <CommandLine command={making.command} />
                  </SpaceBetween>
                </Container>
              </SpaceBetween>
            ),
          },
        ]}
      />
    </Page>
  );
}

/** What is typed, and how it is made: the key set, then its external key store. */
function useMaking(onManual: (manually: Manually) => void) {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const navigate = useNavigate();
  const flash = useFlash();
  const [fresh] = useState<KeySetForm>(() => formOf(undefined));
  const [typed, setTyped] = useState(fresh);
  const [store, setStoreForm] = useState(emptyStore);
  const [wantsStore, setConnects] = useState(false);
  const { letGo, question } = useUnsaved(isTyped(typed, fresh) || isTyped(store, emptyStore));
  const leave = async (to: string) => {
    letGo();
    await navigate(to);
  };
  const vault = useRecord('getVault', { vaultId });
  const groups = useWholeList('listAdminGroups', { vaultId });
  const accounts = useWholeList('listCspAccounts', { vaultId });
  const create = useAct('createKeySet');
  const createStore = useAct('createExternalKeyStore');
  const valuesOf = useAct('getExternalKeyStoreConsole');
  const keyOf = useIdempotencyKeys();
  const tokens = vault.data?.body.tokens ?? [];
  const [only] = tokens.length === 1 ? tokens : [];
  const form = typed.token === '' && only !== undefined ? { ...typed, token: only } : typed;
  const account = accounts.data?.find(({ id }) => id === form.cspAccountId);
  const whole = settled(store, account);
  const connects = form.externalKeyStore && wantsStore;
  const words = wordsOf(form, groups.data, accounts.data);
  const submit = async () => {
    const body = bodyOf(form);
    // Asked for again after a failure of the second it is the one that was made.
    const { body: made } = await create.mutateAsync({
      params: { vaultId },
      body,
      idempotencyKey: keyOf(body),
    });
    if (!connects) {
      flash({ type: 'success', header: t.created(made.name) });
      return leave(`${home}/key-sets/${made.id}`);
    }
    const { body: inAws, etag } = await createStore.mutateAsync({
      params: { vaultId, keySetId: made.id },
      body: storeBody(whole),
      idempotencyKey: keyOf([made.id, storeBody(whole)]),
    });
    const to = `${home}/external-key-stores/${made.id}/${inAws.id}`;
    if (!whole.byHand) {
      flash({ type: 'success', header: t.createdWithStore(made.name) });
      return leave(to);
    }
    try {
      const { body: shown } = await valuesOf.mutateAsync({
        params: { vaultId, keySetId: made.id, externalKeyStoreId: inAws.id },
        body: { credential: true },
        ...(etag === undefined ? {} : { ifMatch: etag }),
      });
      flash({ type: 'success', header: t.created(made.name) });
      onManual({ shown, to });
    } catch {
      // Both are there: what is missing is shown where the external key store is.
      flash({ type: 'warning', header: t.notShown(made.name), content: t.notShownWhy });
      await leave(to);
    }
  };
  return {
    form,
    set: (change: Partial<KeySetForm>) => setTyped((now) => ({ ...now, ...change })),
    store,
    setStore: (change: Partial<typeof store>) => setStoreForm((now) => ({ ...now, ...change })),
    ...{ whole, account, connects, setConnects, submit, leave, question },
    isPending: create.isPending || createStore.isPending || valuesOf.isPending,
    problem: create.error ?? createStore.error,
    /** There already, though its external key store is not. */
    madeId: createStore.error === null ? undefined : create.data?.body.id,
    facts: [
      ...factsOfNew(form, words),
      [
        stores.title,
        connects
          ? t.storeWill(whole.region, whole.byHand, whole.connect)
          : form.externalKeyStore
            ? t.storeLater
            : t.forAwsOff,
      ] as const,
    ],
    command: [
      commands.keySetCreate(words),
      ...(connects ? [commands.storeCreate({ ...whole, keySet: form.name })] : []),
    ].join('\n'),
  };
}

function NewAccount({ vaultId, onMade }: { vaultId: string; onMade: (id: string) => void }) {
  const may = useMay();
  const accounts = useWholeList('listCspAccounts', { vaultId });
  const [making, setMaking] = useState(false);
  if (!may('createCspAccount')) return null;
  return (
    <>
      <Button formAction="none" onClick={() => setMaking(true)}>
        {t.newAccount}
      </Button>
      {making && (
        <AccountDialog
          onClose={() => setMaking(false)}
          onMade={(id) => {
            void accounts.refetch();
            onMade(id);
          }}
        />
      )}
    </>
  );
}
