import { useState } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Toggle from '@cloudscape-design/components/toggle';
import Wizard from '@cloudscape-design/components/wizard';
import { useNavigate, useSearchParams } from 'react-router';
import { fieldProblem } from '../api/problem.ts';
import { useAct, useIdempotencyKeys, useWholeList } from '../api/queries.ts';
import { CommandLine } from '../frame/command.tsx';
import { useFlash } from '../frame/flash.tsx';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { Facts } from '../parts/facts.tsx';
import { isTyped, useUnsaved } from '../parts/unsaved.tsx';
import { wizardTexts } from '../parts/wizard-texts.ts';
import { homeOf, useSession, useVaultId } from '../session/session.tsx';
import { commands } from '../texts/commands.ts';
import { keys as t } from '../texts/keys.ts';
import { parts } from '../texts/parts.ts';
import { createBody, emptyForm, wordsOf, type KeyForm } from './key-form.ts';
import { AccessFields, NameFields, ScheduleFields } from './key-fields.tsx';

const toldByFields = [
  '/name',
  '/description',
  '/region',
  '/administrators',
  '/users',
  '/rotation',
  '/expiresAt',
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
  const [form, setForm] = useState<KeyForm>({ ...emptyForm, keySetId: search.get('keySet') ?? '' });
  const { letGo, question } = useUnsaved(isTyped({ ...form, keySetId: '' }, emptyForm));
  const leave = async (to: string) => {
    letGo();
    await navigate(to);
  };
  const [tried, setTried] = useState(false);
  const keySets = useWholeList('listKeySets', { vaultId }, { query: { sort: 'name' } });
  const create = useAct('createCloudKey');
  const keyOf = useIdempotencyKeys();
  const keySet = keySets.data?.find(({ id }) => id === form.keySetId);
  const onForm = (change: Partial<KeyForm>) => setForm((before) => ({ ...before, ...change }));
  const fields = { form, onForm, problem: create.error };
  const isWhole = form.keySetId !== '' && form.name !== '';
  const missing = (text: string) => (tried && text === '' ? parts.required : undefined);
  const submit = async () => {
    const body = createBody(form);
    const { body: made } = await create.mutateAsync({
      params: { vaultId },
      body,
      idempotencyKey: keyOf(body),
    });
    flash({ type: 'success', header: t.done.create(made.name) });
    await leave(`${home}/cloud-keys/${made.id}`);
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
              <Container>
                <SpaceBetween size="l">
                  {keySets.data?.length === 0 && (
                    <Alert type="info" action={<Link href={`${home}/key-sets`}>{t.toKeySets}</Link>}>
                      {t.noKeySets}
                    </Alert>
                  )}
                  <FormField
                    label={t.keySet}
                    errorText={missing(form.keySetId) ?? fieldProblem(create.error, '/keySetId')}
                  >
                    <Select
                      selectedOption={keySet === undefined ? null : { value: keySet.id, label: keySet.name }}
                      options={(keySets.data ?? []).map(({ id, name, description }) => ({
                        value: id,
                        label: name,
                        description,
                      }))}
                      statusType={keySets.isPending ? 'loading' : 'finished'}
                      loadingText={parts.loading}
                      filteringType="auto"
                      onChange={({ detail }) => onForm({ keySetId: detail.selectedOption.value ?? '' })}
                    />
                  </FormField>
                  <NameFields {...fields} missing={missing(form.name)} />
                  <FormField
                    label={t.region}
                    description={t.regionWhy}
                    errorText={fieldProblem(create.error, '/region')}
                  >
                    <Input
                      value={form.region}
                      placeholder={t.regionUnless}
                      spellcheck={false}
                      onChange={({ detail }) => onForm({ region: detail.value })}
                    />
                  </FormField>
                  <FormField label={t.usage}>
                    <Select
                      selectedOption={{ value: form.usage, label: t.usages[form.usage] }}
                      options={Object.entries(t.usages).map(([value, label]) => ({ value, label }))}
                      onChange={({ detail }) =>
                        onForm({ usage: detail.selectedOption.value as KeyForm['usage'] })
                      }
                    />
                  </FormField>
                  <Toggle
                    checked={form.kmsKey}
                    description={t.makeKmsKeyWhy}
                    onChange={({ detail }) => onForm({ kmsKey: detail.checked })}
                  >
                    {t.makeKmsKey}
                  </Toggle>
                </SpaceBetween>
              </Container>
            ),
          },
          {
            title: t.access,
            isOptional: true,
            content: (
              <Container>
                <SpaceBetween size="l">
                  <AccessFields {...fields} cspAccountId={keySet?.cspAccountId ?? null} />
                </SpaceBetween>
              </Container>
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
                <Container>
                  <SpaceBetween size="l">
                    <Facts
                      columns={2}
                      items={[
                        [t.willHere, t.willHereWhy(keySet?.token ?? '')],
                        [t.willAws, form.kmsKey ? t.willAwsWhy(`alias/${form.name}`) : t.willAwsNot],
                        [t.name, form.name],
                        [t.keySet, keySet?.name ?? ''],
                        [t.region, form.region === '' ? t.regionUnless : form.region],
                        [t.usage, t.usages[form.usage]],
                        [t.administrators, <Arns key="a" arns={form.administrators} />],
                        [t.users, <Arns key="u" arns={form.users} />],
                        [
                          t.rotation,
                          form.rotation === 'DAYS'
                            ? t.everyDays(Number(form.days))
                            : t.rotationOf[form.rotation],
                        ],
                        [t.expires, form.expires === '' ? parts.never : form.expires],
                      ]}
                    />
                    <CommandLine command={commands.cloudKeyCreate(wordsOf(form, keySet?.name ?? ''))} />
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
