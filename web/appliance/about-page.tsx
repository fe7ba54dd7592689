import Container from '@cloudscape-design/components/container';
import Link from '@cloudscape-design/components/link';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Box from '@cloudscape-design/components/box';
import { Copyable } from '../frame/copyable.tsx';
import { Page } from '../frame/page.tsx';
import { useStatus } from '../frame/status-strip.tsx';
import { Facts } from '../parts/facts.tsx';
import { RecordState } from '../parts/record-state.tsx';
import { appliance as t } from '../texts/appliance.ts';
import { frame } from '../texts/frame.ts';

/** What runs here, and under which licences. */
export function AboutPage() {
  const read = useStatus();
  return (
    <Page title={t.about} description={t.aboutWhy}>
      <RecordState read={read}>
        {({ version }) => (
          <Container>
            <SpaceBetween size="l">
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
              <Box color="text-body-secondary">{t.madeWith}</Box>
            </SpaceBetween>
          </Container>
        )}
      </RecordState>
    </Page>
  );
}
