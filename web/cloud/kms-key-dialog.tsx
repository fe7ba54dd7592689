import { useState } from 'react';
import Box from '@cloudscape-design/components/box';
import Checkbox from '@cloudscape-design/components/checkbox';
import RadioGroup from '@cloudscape-design/components/radio-group';
import { useNavigate } from 'react-router';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { Answered } from '../api/client.ts';
import { fieldProblem } from '../api/problem.ts';
import { useAct } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog, type Why } from '../parts/act-dialog.tsx';
import { TextField } from '../parts/fields.tsx';
import { useSeen, type Fact } from '../parts/seen.tsx';
import { stateWord } from '../parts/state.tsx';
import { homeOf, useSession, useVaultId } from '../session/session.tsx';
import { kmsKeys as t } from '../texts/cloud.ts';
import { commands } from '../texts/commands.ts';
import { keys } from '../texts/keys.ts';
import { parts } from '../texts/parts.ts';

type KmsKey = Schemas['KmsKey'];
type What = KmsKey['drift'][number]['what'];

export type KmsKeyAct =
  | { kind: 'enable' | 'disable' | 'schedule' | 'cancel' | 'retry' | 'remove' }
  | { kind: 'apply' | 'accept'; what: What };

interface Props {
  act: KmsKeyAct;
  kmsKey: KmsKey;
  etag: string;
  refetch: () => Promise<Answered<KmsKey>>;
  onClose: () => void;
}

/** An act on a KMS key, which is asked of AWS and repeated until it holds. */
export function KmsKeyDialog({ act, kmsKey, etag, refetch, onClose }: Props) {
  const vaultId = useVaultId();
  const home = homeOf(useSession().user);
  const navigate = useNavigate();
  const flash = useFlash();
  const seen = useSeen({ body: kmsKey, etag }, refetch, factsOf);
  const [days, setDays] = useState('30');
  const [takeAlias, setTakeAlias] = useState(false);
  const [aws, setAws] = useState<'keep' | 'schedule-deletion'>('keep');
  const enable = useAct('enableKmsKey');
  const disable = useAct('disableKmsKey');
  const cancel = useAct('cancelKmsKeyDeletion');
  const schedule = useAct('scheduleKmsKeyDeletion');
  const retry = useAct('retryKmsKey');
  const remove = useAct('deleteKmsKey');
  const apply = useAct('applyKmsKey');
  const accept = useAct('acceptKmsKey');
  const params = { vaultId, cloudKeyId: kmsKey.cloudKeyId, kmsKeyId: kmsKey.id };
  const hasDays = act.kind === 'schedule' || (act.kind === 'remove' && aws === 'schedule-deletion');
  const words = wordsOf(act);
  const run = async (why: Why): Promise<string> => {
    const common = { params, ifMatch: seen.etag };
    switch (act.kind) {
      case 'enable':
      case 'disable':
      case 'cancel':
        await { enable, disable, cancel }[act.kind].mutateAsync({ ...common, body: why });
        return t.done;
      case 'retry':
        await retry.mutateAsync({ ...common, body: { takeAlias } });
        return t.done;
      case 'schedule':
        await schedule.mutateAsync({ ...common, body: { days: Number(days), ...why } });
        return t.done;
      case 'remove':
        await remove.mutateAsync({
          ...common,
          query: { aws, ...(hasDays ? { days: Number(days) } : {}) },
          body: why,
        });
        await navigate(`${home}/kms-keys`);
        return t.removed;
      case 'apply':
        await apply.mutateAsync({ ...common, body: { what: [act.what] } });
        return t.applied;
      case 'accept':
        await accept.mutateAsync({ ...common, body: { what: [act.what] } });
        return t.accepted;
    }
  };
  return (
    <ActDialog
      title={words.title}
      submitLabel={words.submit}
      command={commands.kmsKeyAct(act, kmsKey, { days, takeAlias, aws })}
      onClose={onClose}
      {...seen.whenChanged}
      // What cannot be undone is not done by one press too many.
      {...(hasDays ? { typed: kmsKey.alias || kmsKey.cloudKeyName } : {})}
      disabled={hasDays && !(Number(days) >= 7 && Number(days) <= 30)}
      asksWhy={!['retry', 'apply', 'accept'].includes(act.kind)}
      onSubmit={async (why) => flash({ type: 'success', header: await run(why) })}
    >
      <Box>{words.why}</Box>
      {act.kind === 'remove' && (
        <RadioGroup
          value={aws}
          onChange={({ detail }) => setAws(detail.value as typeof aws)}
          items={[
            { value: 'keep', label: t.keep, description: t.keepWhy },
            ...(kmsKey.origin === 'MANUAL'
              ? []
              : [{ value: 'schedule-deletion', label: t.scheduleThen, description: t.scheduleThenWhy }]),
          ]}
        />
      )}
      {hasDays && (
        <TextField
          label={t.waitingDays}
          type="number"
          value={days}
          onText={setDays}
          error={fieldProblem(schedule.error, '/days')}
        />
      )}
      {act.kind === 'retry' && kmsKey.step === 'ALIAS' && (
        <Checkbox checked={takeAlias} onChange={({ detail }) => setTakeAlias(detail.checked)}>
          {t.takeAlias}
        </Checkbox>
      )}
    </ActDialog>
  );
}

function factsOf(kmsKey: KmsKey): readonly Fact[] {
  const { step, cloudStatus, wanted, drift, problem } = kmsKey;
  return [
    [t.alias, kmsKey.alias],
    [parts.state, step === 'DONE' ? stateWord(cloudStatus) : step === 'GONE' ? stateWord(step) : keys.notYet],
    [
      t.inAws,
      [kmsKey.awsState, wanted === null ? null : keys.wanted[wanted]]
        .filter((one) => one !== null)
        .join(', '),
    ],
    [t.driftTitle, drift.map(({ what }) => t.what[what]).join(', ')],
    [parts.problem, problem === null ? '' : problem.message],
  ];
}

function wordsOf(act: KmsKeyAct): { title: string; why: string; submit: string } {
  if (act.kind === 'apply')
    return { title: t.applyTitle(t.what[act.what]), why: t.applyWhy, submit: t.apply };
  if (act.kind === 'accept')
    return { title: t.acceptTitle(t.what[act.what]), why: t.acceptWhy, submit: t.accept };
  if (act.kind === 'remove') return { title: t.removeTitle, why: t.removeWhy, submit: t.remove };
  return { title: t.actTitle[act.kind], why: t.actWhy[act.kind], submit: t[act.kind] };
}
