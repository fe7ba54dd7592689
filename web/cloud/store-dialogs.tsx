import { useRef, useState } from 'react';
import Box from '@cloudscape-design/components/box';
import Checkbox from '@cloudscape-design/components/checkbox';
import { useNavigate } from 'react-router';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { Answered } from '../api/client.ts';
import { fieldProblem } from '../api/problem.ts';
import { useAct } from '../api/queries.ts';
import { useFlash } from '../frame/flash.tsx';
import { ActDialog } from '../parts/act-dialog.tsx';
import { TextField } from '../parts/fields.tsx';
import { useSeen } from '../parts/seen.tsx';
import { homeOf, useSession, useVaultId } from '../session/session.tsx';
import { stores as t } from '../texts/cloud.ts';
import { commands } from '../texts/commands.ts';
import { ByHandPanel, type ByHand } from './by-hand-panel.tsx';
import { EditStoreDialog } from './edit-store-dialog.tsx';
import { factsOfStore } from './store-edit-form.ts';

type Store = Schemas['ExternalKeyStore'];
export type StoreAct = 'connect' | 'disconnect' | 'rotate' | 'edit' | 'remove' | 'console';

interface Props {
  act: StoreAct;
  store: Store;
  etag: string;
  refetch: () => Promise<Answered<Store>>;
  onClose: () => void;
}

export function StoreDialog(props: Props) {
  const { act } = props;
  if (act === 'edit') return <EditStoreDialog {...props} />;
  if (act === 'rotate' || act === 'console') return <CredentialDialog {...props} act={act} />;
  return <PlainDialog {...props} act={act} />;
}

function useSeenStore({ store, etag, refetch }: Props) {
  const vaultId = useVaultId();
  const { etag: ifMatch, whenChanged } = useSeen({ body: store, etag }, refetch, factsOfStore);
  return {
    params: { vaultId, keySetId: store.keySetId, externalKeyStoreId: store.id },
    ifMatch,
    whenChanged,
  };
}

function PlainDialog(props: Props & { act: 'connect' | 'disconnect' | 'remove' }) {
  const { act, store, onClose } = props;
  const { params, ifMatch, whenChanged } = useSeenStore(props);
  const home = homeOf(useSession().user);
  const navigate = useNavigate();
  const flash = useFlash();
  const [forget, setForget] = useState(false);
  const connect = useAct('connectExternalKeyStore');
  const disconnect = useAct('disconnectExternalKeyStore');
  const remove = useAct('deleteExternalKeyStore');
  /** AWS has to disconnect it first: until then it is there. */
  const isLeft = useRef(false);
  const { name } = store;
  const words = {
    connect: { title: t.connectTitle(name), why: t.connectWhy, submit: t.connect },
    disconnect: { title: t.disconnectTitle(name), why: t.disconnectWhy, submit: t.disconnect },
    remove: { title: t.removeTitle(name), why: t.removeWhy, submit: t.remove },
  }[act];
  return (
    <ActDialog
      title={words.title}
      submitLabel={words.submit}
      command={act === 'remove' ? commands.storeDelete(store, forget) : commands.storeAct(act, store)}
      onClose={onClose}
      {...whenChanged}
      {...(act === 'remove' ? { typed: name } : {})}
      asksWhy={act !== 'connect'}
      onSubmit={async (why) => {
        if (act === 'remove') {
          const query = forget ? { forget: 'true' as const } : { disconnect: 'true' as const };
          const { body, inForce } = await remove.mutateAsync({ params, query, body: why, ifMatch });
          isLeft.current = !body.deleted;
          return flash({ type: 'success', header: t.done.remove(name), inForce });
        }
        if (act === 'connect') await connect.mutateAsync({ params, ifMatch });
        else await disconnect.mutateAsync({ params, body: why, ifMatch });
        flash({ type: 'success', header: t.done[act](name) });
      }}
      onDone={async () => {
        if (act === 'remove' && !isLeft.current) await navigate(`${home}/external-key-stores`);
      }}
    >
      <Box>{words.why}</Box>
      {act === 'remove' && (
        <Checkbox checked={forget} onChange={({ detail }) => setForget(detail.checked)}>
          {t.forget}
        </Checkbox>
      )}
    </ActDialog>
  );
}

/** A new credential: given to AWS, or of one by hand shown once with what to enter. */
function CredentialDialog(props: Props & { act: 'rotate' | 'console' }) {
  const { act, store, onClose } = props;
  const { params, ifMatch, whenChanged } = useSeenStore(props);
  const flash = useFlash();
  const [minutes, setMinutes] = useState('60');
  const [done, setDone] = useState(false);
  const [withCredential, setWithCredential] = useState(true);
  const [shown, setShown] = useState<ByHand>();
  const rotate = useAct('rotateExternalKeyStoreCredential');
  const values = useAct('getExternalKeyStoreConsole');
  const isByHand = store.origin === 'MANUAL';
  const isRotation = act === 'rotate';
  if (shown !== undefined) return <ByHandPanel shown={shown} onClose={onClose} />;
  return (
    <ActDialog
      title={isRotation ? t.rotateTitle(store.name) : t.values}
      submitLabel={isRotation ? (done ? t.rotateDone : t.rotate) : t.values}
      command={
        isRotation ? commands.storeRotate(store, minutes, done) : commands.storeConsole(store, withCredential)
      }
      onClose={onClose}
      {...whenChanged}
      onSubmit={async () => {
        if (!isRotation) {
          const { body } = await values.mutateAsync({
            params,
            body: { credential: withCredential },
            ifMatch,
          });
          setShown(body);
          return 'stay';
        }
        const { body } = await rotate.mutateAsync({
          params,
          body: done ? { done } : { retireAfterQuietMinutes: Number(minutes) },
          ifMatch,
        });
        if (body.consoleFile === undefined) {
          flash({ type: 'success', header: t.done.rotate(store.name) });
          return;
        }
        setShown(body);
        return 'stay';
      }}
    >
      {isRotation ? <Box>{isByHand ? t.rotateByHandWhy : t.rotateWhy}</Box> : <Box>{t.byHandWhy}</Box>}
      {isRotation && !done && (
        <TextField
          label={t.quiet}
          type="number"
          value={minutes}
          onText={setMinutes}
          error={fieldProblem(rotate.error, '/retireAfterQuietMinutes')}
        />
      )}
      {isRotation && isByHand && (
        <Checkbox checked={done} onChange={({ detail }) => setDone(detail.checked)}>
          {t.rotateDone}
        </Checkbox>
      )}
      {!isRotation && (
        <Checkbox checked={withCredential} onChange={({ detail }) => setWithCredential(detail.checked)}>
          {t.withCredential}
        </Checkbox>
      )}
    </ActDialog>
  );
}
