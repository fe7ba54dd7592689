import Box from '@cloudscape-design/components/box';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { Copyable } from '../frame/copyable.tsx';
import { keys as t } from '../texts/keys.ts';

/** Whom the key policy of its KMS keys names. */
export function AccessTab({ cloudKey: { administrators, users } }: { cloudKey: Schemas['CloudKey'] }) {
  return (
    <ColumnLayout columns={2}>
      <Principals title={t.administrators} why={t.administratorsWhy} arns={administrators} />
      <Principals title={t.users} why={t.usersWhy} arns={users} />
    </ColumnLayout>
  );
}

function Principals({ title, why, arns }: { title: string; why: string; arns: readonly string[] }) {
  return (
    <Container
      header={
        <Header variant="h2" counter={`(${arns.length})`} description={why}>
          {title}
        </Header>
      }
    >
      {arns.length === 0 ? (
        <Box color="text-body-secondary">{t.nobody}</Box>
      ) : (
        arns.map((arn) => (
          <div key={arn}>
            <Copyable text={arn} />
          </div>
        ))
      )}
    </Container>
  );
}
