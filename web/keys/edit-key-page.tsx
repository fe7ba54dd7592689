import { useState } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Form from '@cloudscape-design/components/form';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Toggle from '@cloudscape-design/components/toggle';
import { useNavigate, useParams } from 'react-router';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { Answered } from '../api/client.ts';
import { isProblemOf } from '../api/problem.ts';
import { again, useAct, useRecord } from '../api/queries.ts';
import { CommandLine } from '../frame/command.tsx';
import { useFlash } from '../frame/flash.tsx';
import { useActing } from '../frame/in-force.tsx';
import { Page } from '../frame/page.tsx';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { Facts } from '../parts/facts.tsx';
import { quotaText } from '../parts/quota-form.ts';
import { RecordState } from '../parts/record-state.tsx';
import { changeOf, merged, seenOf, type Fact } from '../parts/seen.tsx';
import { useUnsaved } from '../parts/unsaved.tsx';
import { homeOf, useSession, useVaultId } from '../session/session.tsx';
import { useSubmit } from '../session/use-submit.ts';
import { commands } from '../texts/commands.ts';
import { frame } from '../texts/frame.ts';
import { keys as t } from '../texts/keys.ts';
import { parts } from '../texts/parts.ts';
import { changeBody, formOf, wordsOf, type KeyForm } from './key-form.ts';
import { AccessFields, NameFields, ScheduleFields } from './key-fields.tsx';
import { Outcomes } from './outcomes.tsx';

/** Everything of a CloudKey that can be changed, against what it was when the page was opened. */
export function EditKeyPage() {
  const vaultId = useVaultId();
  const { cloudKeyId = '' } = useParams();
  const read = useRecord('getCloudKey', { vaultId, cloudKeyId }, { every: false });
  return (
    <RecordState read={read}>
      {(cloudKey, etag) => <EditForm cloudKey={cloudKey} etag={etag} refetch={async () => again(read)} />}
    </RecordState>
  );
}

interface Props {
  cloudKey: Schemas['CloudKey'];
  etag: string;
  refetch: () => Promise<Answered<Schemas['CloudKey']>>;
}

function EditForm({ cloudKey, etag, refetch }: Props) {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const navigate = useNavigate();
  const flash = useFlash();
  const acting = useActing();
  // The page goes on looking, and so do others on changing: what was opened is what it is compared with.
  const [opened, setOpened] = useState({ cloudKey, etag });
  const [theirs, setTheirs] = useState<Schemas['CloudKey']>();
  const [form, setForm] = useState<KeyForm>(() => formOf(cloudKey));
  const [applyToKms, setApplyToKms] = useState(true);
  const keySet = useRecord('getKeySet', { vaultId, keySetId: cloudKey.keySetId });
  const update = useAct('updateCloudKey');
  const page = `${home}/cloud-keys/${cloudKey.id}`;
  const onForm = (change: Partial<KeyForm>) => setForm((before) => ({ ...before, ...change }));
  const change = changeBody(form, opened.cloudKey);
  const { letGo, question } = useUnsaved(Object.keys(change).length > 0);
  const leave = async () => {
    letGo();
    await navigate(page);
  };
  const { submit, busy, problem } = useSubmit(async () => {
    try {
      await acting(async () => {
        const { body, inForce } = await update.mutateAsync({
          params: { vaultId, cloudKeyId: cloudKey.id },
          body: { ...change, applyToKms },
          ifMatch: opened.etag,
        });
        flash({
          type: 'success',
          header: t.done.edit(body.name),
          inForce,
          content: <Outcomes aws={body.aws} />,
        });
      });
    } catch (error) {
      if (!isProblemOf(error, 'precondition-failed')) throw error;
      const now = seenOf(await refetch());
      // Theirs where somebody else changed it, ours where it was changed here.
      setForm((mine) => merged(mine, formOf(opened.cloudKey), formOf(now.body)));
      setTheirs(now.body);
      return setOpened({ cloudKey: now.body, etag: now.etag });
    }
    await leave();
  });
  const fields = { form, onForm, problem: update.error };
  return (
    <Page
      title={t.editTitle(opened.cloudKey.name)}
      above={[
        { text: t.title, href: `${home}/cloud-keys` },
        { text: cloudKey.name, href: page },
      ]}
    >
      {question}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <Form
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" formAction="none" onClick={() => void leave()}>
                {parts.cancel}
              </Button>
              <Button
                variant="primary"
                formAction="submit"
                loading={busy}
                disabled={Object.keys(change).length === 0}
              >
                {theirs === undefined ? parts.save : frame.conflictAgain}
              </Button>
            </SpaceBetween>
          }
        >
          <SpaceBetween size="l">
            {theirs !== undefined && (
              <Alert
                type="warning"
                header={frame.conflict}
                action={<Button onClick={() => setForm(formOf(theirs))}>{frame.conflictTake}</Button>}
              >
                <SpaceBetween size="s">
                  <div>{frame.conflictWhy}</div>
                  <Facts columns={2} items={factsOf(formOf(theirs), Object.keys(change))} />
                </SpaceBetween>
              </Alert>
            )}
            {problem !== undefined && <ProblemAlert problem={problem} />}
            <Container header={<Header variant="h2">{t.details}</Header>}>
              <SpaceBetween size="l">
                <NameFields {...fields} />
              </SpaceBetween>
            </Container>
            <Container header={<Header variant="h2">{t.access}</Header>}>
              <SpaceBetween size="l">
                <AccessFields {...fields} cspAccountId={keySet.data?.body.cspAccountId ?? null} />
              </SpaceBetween>
            </Container>
            <Container header={<Header variant="h2">{t.schedule}</Header>}>
              <SpaceBetween size="l">
                <ScheduleFields {...fields} />
              </SpaceBetween>
            </Container>
            <Container>
              <SpaceBetween size="l">
                <Toggle
                  checked={applyToKms}
                  description={t.applyToKmsWhy}
                  onChange={({ detail }) => setApplyToKms(detail.checked)}
                >
                  {t.applyToKms}
                </Toggle>
                <CommandLine
                  command={commands.cloudKeyEdit(
                    cloudKey.name,
                    cloudKey.keySetName,
                    changeOf(
                      wordsOf(form, cloudKey.keySetName),
                      wordsOf(formOf(opened.cloudKey), cloudKey.keySetName),
                    ),
                    applyToKms,
                  )}
                />
              </SpaceBetween>
            </Container>
          </SpaceBetween>
        </Form>
      </form>
    </Page>
  );
}

/** Fields as they are there now, for people; of those that were changed here too. */
function factsOf(form: KeyForm, changed: readonly string[]): readonly Fact[] {
  const { rotation, days, expires } = form;
  const all: readonly (readonly [field: string, ...Fact])[] = [
    ['name', t.name, form.name],
    ['description', parts.description, form.description || parts.none],
    ['administrators', t.administrators, form.administrators.join(' ') || t.nobody],
    ['users', t.users, form.users.join(' ') || t.nobody],
    ['rotation', t.rotation, rotation === 'DAYS' ? t.everyDays(Number(days)) : t.rotationOf[rotation]],
    ['expiresAt', t.expires, expires === '' ? parts.never : expires],
    ['quota', t.quota, quotaText(form) ?? t.noQuota],
  ];
  return all.flatMap(([field, ...fact]) => (changed.includes(field) ? [fact] : []));
}
