import { useState } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useSearchParams } from 'react-router';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { fieldProblem } from '../api/problem.ts';
import { useAct } from '../api/queries.ts';
import { CommandLine } from '../frame/command.tsx';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import { Page } from '../frame/page.tsx';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { TextField } from '../parts/fields.tsx';
import { filtered } from '../parts/filter-in-address.ts';
import { wholeList, type Column } from '../parts/list.ts';
import { Empty, ResourceTable } from '../parts/resource-table.tsx';
import { State, stateWord } from '../parts/state.tsx';
import { Time } from '../parts/time.tsx';
import { homeOf, useSession } from '../session/session.tsx';
import { useSubmit } from '../session/use-submit.ts';
import { commands } from '../texts/commands.ts';
import { findKey as t } from '../texts/find-key.ts';
import { parts } from '../texts/parts.ts';

type FoundKey = Schemas['FoundCloudKey'];

/** The API gives no more (operation findCloudKeys). */
const most = 200;

/** Whose a key is. Asked for by a press, never by itself: each look-up stands in the trails of those whom it concerns. */
export function FindKeyPage() {
  const home = homeOf(useSession().user);
  const [search, setSearch] = useSearchParams();
  const [called, setCalled] = useState(search.get('called') ?? '');
  const [found, setFound] = useState<readonly FoundKey[]>();
  const find = useAct('findCloudKeys');
  const name = called.trim();
  const { submit, busy, problem } = useSubmit(async () => {
    setFound(undefined);
    const { body } = await find.mutateAsync({ body: { called: name } });
    setFound(body.cloudKeys);
    setSearch({ called: name }, { replace: true });
  });
  return (
    <Page title={t.title} description={t.why}>
      <SpaceBetween size="l">
        <Container>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              if (name !== '') submit();
            }}
          >
            <SpaceBetween size="m">
              {problem !== undefined && <ProblemAlert problem={problem} told={['/called']} />}
              <TextField
                label={t.called}
                description={t.calledWhy}
                value={called}
                onText={setCalled}
                error={fieldProblem(problem, '/called')}
                mono
              />
              <Button
                variant="primary"
                loading={busy}
                disabled={name === ''}
                formAction="none"
                onClick={submit}
              >
                {t.find}
              </Button>
              <CommandLine command={commands.cloudKeyFind(name)} />
            </SpaceBetween>
            <input type="submit" hidden />
          </form>
        </Container>
        {found !== undefined && <Found keys={found} home={home} onAgain={submit} />}
      </SpaceBetween>
    </Page>
  );
}

interface FoundProps {
  keys: readonly FoundKey[];
  home: string;
  onAgain: () => void;
}

function Found({ keys, home, onAgain }: FoundProps) {
  return (
    <SpaceBetween size="m">
      {keys.length >= most && <Alert type="warning">{t.notAll(keys.length)}</Alert>}
      <ResourceTable<FoundKey>
        id="found-cloud-keys"
        title={t.found}
        inner
        list={wholeList(keys, onAgain)}
        columns={columnsOf(home)}
        idOf={({ id }) => id}
        nameOf={({ name }) => name}
        empty={<Empty title={t.none} why={t.noneWhy} />}
      />
    </SpaceBetween>
  );
}

function columnsOf(home: string): readonly Column<FoundKey>[] {
  return [
    {
      id: 'vault',
      header: t.vault,
      width: 150,
      text: ({ vaultName }) => vaultName,
      cell: ({ vaultName }) => (
        <Link href={filtered(`${home}/vaults`, ['by-name', '=', vaultName])}>{vaultName}</Link>
      ),
    },
    {
      id: 'keySet',
      header: t.keySet,
      width: 150,
      text: ({ keySetName }) => keySetName,
      cell: ({ keySetName }) => keySetName,
    },
    {
      id: 'name',
      header: parts.name,
      isRowHeader: true,
      width: 150,
      text: ({ name }) => name,
      cell: ({ name }) => name,
    },
    {
      id: 'state',
      header: parts.state,
      width: 150,
      text: ({ effectiveState }) => stateWord(effectiveState),
      cell: ({ effectiveState }) => <State of={effectiveState} />,
    },
    {
      id: 'frozenSince',
      header: t.frozenSince,
      wide: true,
      cell: ({ frozenSince }) => <Time at={frozenSince} none={parts.no} />,
    },
    {
      id: 'id',
      header: t.id,
      width: 300,
      text: ({ id }) => id,
      cell: ({ id, name }) => <Copyable text={id} what={`${t.id}: ${name}`} />,
    },
  ];
}
