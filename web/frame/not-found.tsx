import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { homeOf, useSession } from '../session/session.tsx';
import { frame as t } from '../texts/frame.ts';
import { Link } from './link.tsx';
import { Page } from './page.tsx';

export function NotFound() {
  const { user } = useSession();
  return (
    <Page title={t.notFound}>
      <SpaceBetween size="m">
        <Box>{t.notFoundWhy}</Box>
        <Link href={homeOf(user)}>{t.toStart}</Link>
      </SpaceBetween>
    </Page>
  );
}

/** In place of a page whose contents the API would refuse: nothing of it is asked for. */
export function NotForRole() {
  const { user } = useSession();
  return (
    <Page title={t.noRight}>
      <SpaceBetween size="m">
        <Box>{t.noRightWhy(t.roles[user.role])}</Box>
        <Link href={homeOf(user)}>{t.toStart}</Link>
      </SpaceBetween>
    </Page>
  );
}
