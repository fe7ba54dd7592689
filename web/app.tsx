import { QueryClientProvider } from '@tanstack/react-query';
import Button from '@cloudscape-design/components/button';
import { I18nProvider } from '@cloudscape-design/components/i18n';
import messages from '@cloudscape-design/components/i18n/messages/all.en';
import Spinner from '@cloudscape-design/components/spinner';
import { createBrowserRouter, Navigate, useParams, type RouteObject } from 'react-router';
import { RouterProvider } from 'react-router/dom';
import { queryClient } from './api/query-client.ts';
import { FlashProvider } from './frame/flash.tsx';
import { Layout } from './frame/layout.tsx';
import { NotFound } from './frame/not-found.tsx';
import { PageProvider } from './frame/page.tsx';
import { ProblemAlert } from './frame/problem-alert.tsx';
import { applianceRoutes, fetchCodeOf, vaultRoutes } from './pages.tsx';
import { SessionEnded, SessionLapse } from './session/session-ended.tsx';
import { homeOf, SessionProvider, useSessionFacts } from './session/session.tsx';
import { SignedOnPage } from './session/signed-on-page.tsx';
import { SignInPage } from './session/sign-in-page.tsx';
import { returnPath } from './session/single-sign-on.ts';
import { WrongSession } from './session/wrong-session.tsx';
import { frame as t } from './texts/frame.ts';
import { language } from './texts/locale.ts';

const routes: RouteObject[] = [
  { path: '/sign-in/:vaultId', element: <Home /> },
  { path: returnPath, element: <SignedOnPage /> },
  {
    path: '/console',
    children: [
      { index: true, element: <Home /> },
      {
        path: 'vaults/:vaultId',
        element: <Signed />,
        children: [...vaultRoutes, { path: '*', element: <NotFound /> }],
      },
      {
        path: 'appliance',
        element: <Signed />,
        children: [...applianceRoutes, { path: '*', element: <NotFound /> }],
      },
    ],
  },
  { path: '*', element: <Home /> },
];

fetchCodeOf(routes, window.location.pathname);
const router = createBrowserRouter(routes);

export function App() {
  return (
    // What of a component's own words nobody has given it: the names of its buttons above all.
    <I18nProvider locale={language} messages={[messages]}>
      <QueryClientProvider client={queryClient}>
        <SessionProvider>
          <Known />
        </SessionProvider>
      </QueryClientProvider>
    </I18nProvider>
  );
}

/** Nothing is shown before it is known who is signed in. */
function Known() {
  const { state, look } = useSessionFacts();
  if (state.kind === 'looking')
    return (
      <div className="sign-in">
        <main aria-label={t.loading}>
          <Spinner size="large" />
        </main>
      </div>
    );
  if (state.kind === 'unreachable')
    return (
      <div className="sign-in">
        <main>
          <ProblemAlert
            problem={state.problem}
            action={<Button onClick={() => void look()}>{t.tryAgain}</Button>}
          />
        </main>
      </div>
    );
  return <RouterProvider router={router} />;
}

/** Where a sign-in begins; on from there once it is whole. */
function Home() {
  const { state } = useSessionFacts();
  const { vaultId = null } = useParams();
  if (state.kind !== 'in' || state.session.state !== 'ACTIVE') return <SignInPage vaultId={vaultId} />;
  if (vaultId !== null && state.session.user.vaultId !== vaultId) return <WrongSession />;
  return <Navigate to={homeOf(state.session.user)} replace />;
}

/** Pages of a vault or of the appliance, for those who are signed in to it. */
function Signed() {
  const { state } = useSessionFacts();
  const { vaultId = null } = useParams();
  if (state.kind !== 'in' || (state.session.state !== 'ACTIVE' && !state.ended))
    return <SignInPage vaultId={vaultId} />;
  const { session, ended } = state;
  if (session.user.vaultId !== vaultId) return <WrongSession />;
  return (
    <FlashProvider>
      <PageProvider>
        <Layout />
        <SessionLapse />
        {ended && <SessionEnded session={session} />}
      </PageProvider>
    </FlashProvider>
  );
}
