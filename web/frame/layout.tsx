import { Suspense, useState } from 'react';
import AppLayout from '@cloudscape-design/components/app-layout';
import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group';
import SideNavigation from '@cloudscape-design/components/side-navigation';
import Spinner from '@cloudscape-design/components/spinner';
import { Outlet, useLocation } from 'react-router';
import { HelpPanel } from '../help/help-panel.tsx';
import { useMay, useSession } from '../session/session.tsx';
import { frame as t } from '../texts/frame.ts';
import { help } from '../texts/help.ts';
import { EnvironmentBand } from './environment.tsx';
import { FlashArea } from './flash.tsx';
import { useFollow } from './link.tsx';
import { navigationOf, neededAt } from './navigation.ts';
import { NotForRole } from './not-found.tsx';
import { useCrumbs } from './page.tsx';
import { PageBoundary } from './page-boundary.tsx';
import { isNarrow, setPreferences, useIsNarrow, usePreferences } from './preferences.ts';
import { SilenceStrip, StatusStrip, UnwatchedStrip } from './status-strip.tsx';
import { TopBar } from './top-bar.tsx';

/** What is around every page of somebody who is signed in. */
export function Layout() {
  const session = useSession();
  const may = useMay();
  const follow = useFollow();
  const { pathname } = useLocation();
  const { navigationOpen } = usePreferences();
  const narrow = useIsNarrow();
  // In a narrow window it lies over the page, and is opened each time.
  const [isOver, setOver] = useState(false);
  const [helpOpen, setHelpOpen] = useState(false);
  const { header, items, active } = navigationOf(session, may, pathname);
  const needed = neededAt(session, pathname);
  const crumbs = useCrumbs();
  return (
    <>
      <div id="top">
        <EnvironmentBand />
        <TopBar />
        <SilenceStrip />
        <UnwatchedStrip />
        <StatusStrip />
      </div>
      <AppLayout
        headerSelector="#top"
        // As wide as its longest name: what is left is the page's.
        navigationWidth={220}
        tools={<HelpPanel />}
        toolsOpen={helpOpen}
        onToolsChange={({ detail }) => setHelpOpen(detail.open)}
        navigationOpen={narrow ? isOver : navigationOpen}
        onNavigationChange={({ detail }) => {
          if (isNarrow()) setOver(detail.open);
          else setPreferences({ navigationOpen: detail.open });
        }}
        ariaLabels={{
          navigation: t.navigation,
          navigationClose: t.closeNavigation,
          navigationToggle: t.openNavigation,
          tools: help.title,
          toolsClose: help.close,
          toolsToggle: help.open,
          notifications: t.notifications,
        }}
        navigation={
          <SideNavigation
            header={header}
            items={items}
            activeHref={active}
            onFollow={(event) => {
              setOver(false);
              follow(event);
            }}
          />
        }
        breadcrumbs={
          <BreadcrumbGroup
            items={[{ text: header.text, href: header.href }, ...crumbs]}
            ariaLabel={t.breadcrumbs}
            onFollow={follow}
          />
        }
        notifications={<FlashArea />}
        content={
          <PageBoundary key={pathname}>
            <Suspense fallback={<Spinner size="large" />}>
              {needed === undefined || may(needed) ? <Outlet /> : <NotForRole />}
            </Suspense>
          </PageBoundary>
        }
      />
    </>
  );
}
