import Container from '@cloudscape-design/components/container';
import Link from '@cloudscape-design/components/link';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { Copyable } from '../frame/copyable.tsx';
import { Page } from '../frame/page.tsx';
import { useStatus } from '../frame/status-strip.tsx';
import { Facts } from '../parts/facts.tsx';
import type { ReadList } from '../parts/list.ts';
import { RecordState } from '../parts/record-state.tsx';
import { Empty, ResourceTable } from '../parts/resource-table.tsx';
import { appliance as t } from '../texts/appliance.ts';
import { frame } from '../texts/frame.ts';
import { parts } from '../texts/parts.ts';
import { licences, type Licence } from './licences.ts';

/** What runs here, and under which licences. */
export function AboutPage() {
  const read = useStatus();
  return (
    <Page title={t.about} description={t.aboutWhy}>
      <RecordState read={read}>
        {({ version }) => (
          <SpaceBetween size="l">
            <Container>
              <Facts
                items={[
                  [t.version, <Copyable key="version" text={version} what={t.version} />],
                  [t.licence, t.licenceName],
                  [
                    t.reference,
                    <Link
                      key="reference"
                      external
                      externalIconAriaLabel={frame.newTab}
                      href="/api/v1/reference"
                    >
                      {frame.reference}
                    </Link>,
                  ],
                ]}
              />
            </Container>
            <Licences />
          </SpaceBetween>
        )}
      </RecordState>
    </Page>
  );
}

const nothing = () => undefined;
/** As they were when the console was built: nobody is asked. */
const list: ReadList<Licence> = {
  items: [...licences],
  ...{ error: null, isPending: false, hasNextPage: false, isFetchingNextPage: false },
  ...{ fetchNextPage: nothing, refetch: nothing, onView: nothing },
};

/** The packages that a node and the console are made with. */
function Licences() {
  return (
    <ResourceTable<Licence>
      inner
      id="licences"
      title={t.licences}
      description={t.madeWith}
      list={list}
      idOf={({ name, version }) => `${name} ${version}`}
      nameOf={({ name }) => name}
      empty={<Empty title={t.noLicences} why={t.noLicencesWhy} />}
      columns={[
        {
          id: 'name',
          header: parts.name,
          isRowHeader: true,
          width: 260,
          text: ({ name }) => name,
          cell: ({ name }) => name,
        },
        { id: 'version', header: t.version, text: ({ version }) => version, cell: ({ version }) => version },
        {
          id: 'licence',
          header: t.licence,
          width: 180,
          text: ({ licence }) => licence,
          cell: ({ licence }) => licence,
        },
        {
          id: 'usedBy',
          header: t.partOf,
          width: 150,
          text: ({ usedBy }) => t.partOfWhich[usedBy],
          cell: ({ usedBy }) => t.partOfWhich[usedBy],
        },
      ]}
    />
  );
}
