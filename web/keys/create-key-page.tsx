import { useState, type ReactNode } from 'react';
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Wizard from '@cloudscape-design/components/wizard';
import { useNavigate, useSearchParams } from 'react-router';
import { useAct, useIdempotencyKeys, useRecord, useWholeList } from '../api/queries.ts';
import { PolicyFields } from '../cloud/kms-key-fields.tsx';
import { isPolicyWhole, tagsIn } from '../cloud/kms-key-form.ts';
import { CommandLine } from '../frame/command.tsx';
import { useFlash } from '../frame/flash.tsx';
import { Page } from '../frame/page.tsx';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { Facts } from '../parts/facts.tsx';
import { quotaText } from '../parts/quota-form.ts';
import { isTyped, useUnsaved } from '../parts/unsaved.tsx';
import { wizardTexts } from '../parts/wizard-texts.ts';
import { homeOf, useSession, useVaultId } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { keys as t } from '../texts/keys.ts';
import { parts } from '../texts/parts.ts';
import { createBody, emptyForm, wordsOf, type KeyForm } from './key-form.ts';
import { AccessFields, ScheduleFields } from './key-fields.tsx';
import type { CloudKeyPageState } from './progress.tsx';
import { PolicyPreview, WhatWillBe } from './key-preview.tsx';
import { KeySetField, NewKeyFields, NewKmsKeyFields } from './new-key-fields.tsx';

const toldByFields = [
  '/name',
  '/description',
  '/region',
  '/usage',
  '/administrators',
  '/users',
  '/rotation',
  '/expiresAt',
  '/quota',
  '/keySetId',
];

/** Details, access, schedule, review; it ends on the key's page, where its progress is seen. */
export function CreateKeyPage() {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const navigate = useNavigate();
  const flash = useFlash();
  const [search] = useSearchParams();
  const [step, setStep] = useState(0);
  const [typed, setForm] = useState<KeyForm>({ ...emptyForm, keySetId: search.get('keySet') ?? '' });
  const { letGo, question } = useUnsaved(isTyped({ ...typed, keySetId: '' }, emptyForm));
  const leave = async (to: string, state?: CloudKeyPageState) => {
    letGo();
    await navigate(to, { state });
  };
  const [tried, setTried] = useState(false);
  const keySets = useWholeList('listKeySets', { vaultId }, { query: { sort: 'name' } });
  const { keySetId } = typed;
  const stores = useWholeList('listExternalKeyStores', { vaultId, keySetId }, { enabled: keySetId !== '' });
  const create = useAct('createCloudKey');
  const keyOf = useIdempotencyKeys();
  const keySet = keySets.data?.find(({ id }) => id === keySetId);
  const account = useRecord(
    'getCspAccount',
    { vaultId, cspAccountId: keySet?.cspAccountId ?? '' },
    { enabled: typeof keySet?.cspAccountId === 'string', every: false },
  );
  const signsIn =
    keySet === undefined ? undefined : keySet.cspAccountId === null ? false : signsInOf(account.data?.body);
  const inRegion = inItsRegion(typed, stores.data);
  const mayHave = mayHaveKmsKey(inRegion, stores.data, signsIn);
  const form = { ...inRegion, kmsKey: inRegion.kmsKey && mayHave };
  const onForm = (change: Partial<KeyForm>) => setForm((before) => ({ ...before, ...change }));
  const fields = { form, onForm, problem: create.error };
  const isSendable = tagsIn(form.tags) !== undefined && isPolicyWhole(form);
  const isWhole = keySetId !== '' && form.name !== '' && isSendable;
  const body = isSendable ? createBody(form) : undefined;
  const words = wordsOf(form, keySet?.name ?? '');
  const missing = (text: string) => (tried && text === '' ? parts.required : undefined);
  const submit = async () => {
    if (body === undefined) return;
    const { body: made } = await create.mutateAsync({
      params: { vaultId },
      body,
      idempotencyKey: keyOf(body),
    });
    flash({ type: 'success', header: t.done.create(made.name) });
    await leave(`${home}/cloud-keys/${made.id}`, { isNew: true });
  };
  return (
    <Page title={t.wizard} above={[{ text: t.title, href: `${home}/cloud-keys` }]} headless>
      {question}
      <Wizard
        activeStepIndex={step}
        i18nStrings={wizardTexts(t.submit, t.wizard)}
        isLoadingNextStep={create.isPending}
        onCancel={() => void leave(`${home}/cloud-keys`)}
        onNavigate={({ detail }) => {
          setTried(true);
          if (isWhole || detail.requestedStepIndex < step) setStep(detail.requestedStepIndex);
        }}
        onSubmit={() => void submit().catch(() => undefined)}
        steps={[
          {
            title: t.details,
            content: (
              <SpaceBetween size="l">
                <Container>
                  <SpaceBetween size="l">
                    <KeySetField {...fields} keySets={keySets.data} missing={missing(keySetId)} />
                    <NewKeyFields {...fields} stores={stores.data} missing={missing(form.name)} />
                  </SpaceBetween>
                </Container>
                <NewKmsKeyFields {...fields} mayHave={mayHave} />
              </SpaceBetween>
            ),
          },
          {
            title: t.access,
            isOptional: true,
            content: (
              <SpaceBetween size="l">
                <Container>
                  <SpaceBetween size="l">
                    <AccessFields {...fields} cspAccountId={keySet?.cspAccountId ?? null} />
                    {form.kmsKey && <PolicyFields form={form} set={onForm} problem={create.error} />}
                  </SpaceBetween>
                </Container>
                {form.kmsKey && <PolicyPreview body={body} command={commands.cloudKeyPreview(words)} />}
              </SpaceBetween>
            ),
          },
          {
            title: t.schedule,
            isOptional: true,
            content: (
              <Container>
                <SpaceBetween size="l">
                  <ScheduleFields {...fields} />
                </SpaceBetween>
              </Container>
            ),
          },
          {
            title: t.review,
            content: (
              <SpaceBetween size="l">
                {create.error !== null && (
                  <ProblemAlert problem={create.error} told={step === 3 ? undefined : toldByFields} />
                )}
                {body !== undefined && create.error === null && (
                  <WhatWillBe body={body} isMaking={!create.isIdle} />
                )}
                <Container>
                  <SpaceBetween size="l">
                    <Facts columns={2} items={factsOf(form, keySet?.name ?? '')} />
                    <CommandLine command={commands.cloudKeyCreate(words)} />
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

/** A key set that has one external key store leaves no choice of the Region. */
function inItsRegion(form: KeyForm, stores: readonly { region: string }[] = []): KeyForm {
  const [only] = stores;
  return form.region === '' && only !== undefined && stores.length === 1
    ? { ...form, region: only.region }
    : form;
}

/** Whether Holdfast signs in to AWS by it; undefined while it is not known. */
function signsInOf(account: { type: string } | undefined): boolean | undefined {
  return account === undefined ? undefined : account.type !== 'manual';
}

/** False where Holdfast cannot make a KMS key for it in AWS, as far as is known. */
function mayHaveKmsKey(
  { region }: KeyForm,
  stores: readonly { region: string }[] | undefined,
  signsIn: boolean | undefined,
): boolean {
  if (signsIn === false || stores?.length === 0) return false;
  return stores === undefined || region === '' || stores.some((store) => store.region === region);
}

function factsOf(form: KeyForm, keySet: string): readonly (readonly [string, ReactNode])[] {
  return [
    [t.name, form.name],
    [t.keySet, keySet],
    [t.usage, t.usages[form.usage]],
    [t.quota, quotaText(form) ?? t.noQuota],
    [t.administrators, <Arns key="a" arns={form.administrators} />],
    [t.users, <Arns key="u" arns={form.users} />],
    [t.rotation, form.rotation === 'DAYS' ? t.everyDays(Number(form.days)) : t.rotationOf[form.rotation]],
    [t.expires, form.expires === '' ? parts.never : form.expires],
  ];
}

function Arns({ arns }: { arns: readonly string[] }) {
  if (arns.length === 0) return <>{t.nobody}</>;
  return (
    <>
      {arns.map((arn) => (
        <Box key={arn}>
          <span className="mono">{arn}</span>
        </Box>
      ))}
    </>
  );
}
