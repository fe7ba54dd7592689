import { useState } from 'react';
import Toggle from '@cloudscape-design/components/toggle';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { fieldProblem } from '../api/problem.ts';
import { useAct, useIdempotencyKeys, useRecord, useWholeList } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { SelectField, TextField } from '../parts/fields.tsx';
import { useVaultId } from '../session/session.tsx';
import { stores as t } from '../texts/cloud.ts';
import { commands } from '../texts/commands.ts';

type Connectivity = Schemas['ExternalKeyStore']['connectivity'];

interface Props {
  onClose: () => void;
  onMade: (keySetId: string, id: string) => void;
}

/** Has Holdfast make an external key store in AWS and connect it, or writes one down that a person makes. */
export function CreateStoreDialog({ onClose, onMade }: Props) {
  const vaultId = useVaultId();
  const flash = useFlash();
  const [form, setForm] = useState({
    keySetId: '',
    region: '',
    name: '',
    uriEndpoint: '',
    connectivity: 'PUBLIC_ENDPOINT' as Connectivity,
    service: '',
    owner: '',
    byHand: false,
    connect: true,
  });
  const set = (change: Partial<typeof form>) => setForm((now) => ({ ...now, ...change }));
  const keySets = useWholeList('listKeySets', { vaultId }, { query: { sort: 'name' } });
  const keySet = keySets.data?.find(({ id }) => id === form.keySetId);
  const account = useRecord(
    'getCspAccount',
    { vaultId, cspAccountId: keySet?.cspAccountId ?? '' },
    { enabled: typeof keySet?.cspAccountId === 'string', every: false },
  );
  const signsIn = account.data !== undefined && account.data.body.type !== 'manual';
  const byHand = form.byHand || !signsIn;
  const region = form.region === '' ? (account.data?.body.defaultRegion ?? '') : form.region;
  const create = useAct('createExternalKeyStore');
  const keyOf = useIdempotencyKeys();
  const body = {
    region,
    ...(form.name === '' ? {} : { name: form.name }),
    ...(form.uriEndpoint === '' ? {} : { uriEndpoint: form.uriEndpoint }),
    connectivity: form.connectivity,
    ...(form.connectivity === 'VPC_ENDPOINT_SERVICE'
      ? {
          vpcEndpointServiceName: form.service,
          ...(form.owner === '' ? {} : { vpcEndpointServiceOwner: form.owner }),
        }
      : {}),
    make: !byHand,
    connect: !byHand && form.connect,
  };
  return (
    <ActDialog
      size="large"
      title={t.create}
      submitLabel={t.createSubmit}
      command={commands.storeCreate({ ...form, keySet: keySet?.name ?? 'KEY-SET', region, byHand })}
      onClose={onClose}
      disabled={form.keySetId === '' || region === ''}
      told={[
        '/region',
        '/name',
        '/uriEndpoint',
        '/connectivity',
        '/vpcEndpointServiceName',
        '/vpcEndpointServiceOwner',
      ]}
      onSubmit={async () => {
        const made = await create.mutateAsync({
          params: { vaultId, keySetId: form.keySetId },
          body,
          idempotencyKey: keyOf([form.keySetId, body]),
        });
        flash({ type: 'success', header: t.done.create(made.body.name) });
        onMade(form.keySetId, made.body.id);
      }}
    >
      <SelectField
        label={t.keySet}
        value={form.keySetId}
        onValue={(keySetId) => set({ keySetId })}
        options={(keySets.data ?? []).map(({ id, name, description }) => ({
          value: id,
          label: name,
          description,
        }))}
        isLoading={keySets.isPending}
      />
      <TextField
        label={t.region}
        value={region}
        onText={(text) => set({ region: text })}
        placeholder="eu-central-1"
        error={fieldProblem(create.error, '/region')}
        mono
      />
      <TextField
        label={t.endpoint}
        description={t.endpointWhy}
        value={form.uriEndpoint}
        onText={(uriEndpoint) => set({ uriEndpoint })}
        placeholder="https://xks.example.com"
        error={fieldProblem(create.error, '/uriEndpoint')}
        mono
      />
      <SelectField
        label={t.connectivity}
        value={form.connectivity}
        onValue={(connectivity) => set({ connectivity: connectivity as Connectivity })}
        options={(Object.keys(t.connectivities) as Connectivity[]).map((value) => ({
          value,
          label: t.connectivities[value],
        }))}
        error={fieldProblem(create.error, '/connectivity')}
      />
      {form.connectivity === 'VPC_ENDPOINT_SERVICE' && (
        <>
          <TextField
            label={t.service}
            value={form.service}
            onText={(service) => set({ service })}
            placeholder="com.amazonaws.vpce.…"
            error={fieldProblem(create.error, '/vpcEndpointServiceName')}
            mono
          />
          <TextField
            label={t.owner}
            optional
            value={form.owner}
            onText={(owner) => set({ owner })}
            error={fieldProblem(create.error, '/vpcEndpointServiceOwner')}
            mono
          />
        </>
      )}
      <TextField
        label={t.name}
        description={t.nameWhy}
        optional
        value={form.name}
        onText={(name) => set({ name })}
        error={fieldProblem(create.error, '/name')}
        mono
      />
      <Toggle
        checked={byHand}
        disabled={!signsIn}
        description={t.byHandWhy}
        onChange={({ detail }) => set({ byHand: detail.checked })}
      >
        {t.byHand}
      </Toggle>
      {!byHand && (
        <Toggle checked={form.connect} onChange={({ detail }) => set({ connect: detail.checked })}>
          {t.connectNow}
        </Toggle>
      )}
    </ActDialog>
  );
}
