import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Spinner from '@cloudscape-design/components/spinner';
import { useEffect, useRef, useState } from 'react';
import { useNavigate, useSearchParams } from 'react-router';
import { call } from '../api/client.ts';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { frame } from '../texts/frame.ts';
import { signIn as t } from '../texts/sign-in.ts';
import { useSessionFacts } from './session.tsx';
import { takeBegun } from './single-sign-on.ts';

/** Where a browser comes back to from the provider: the code of the address and the verifier of this tab make a session. */
export function SignedOnPage() {
  const [search] = useSearchParams();
  const navigate = useNavigate();
  const { enter } = useSessionFacts();
  const [failed, setFailed] = useState<unknown>();
  const begun = useRef<ReturnType<typeof takeBegun> | null>(null);
  useEffect(() => {
    // Once, however often React runs this: code and verifier are good once.
    if (begun.current !== null) return;
    begun.current = takeBegun();
    const code = search.get('code');
    const finish = async () => {
      if (begun.current === undefined || begun.current === null || code === null) {
        setFailed(search.get('error') ?? 'lost');
        return;
      }
      const { verifier, to } = begun.current;
      try {
        const { body } = await call('finishOidcSignIn', { body: { code, verifier, cookie: true } });
        enter(body);
        await navigate(to, { replace: true });
      } catch (error) {
        setFailed(error);
      }
    };
    void finish();
  }, [enter, navigate, search]);
  return (
    <div className="sign-in">
      <title>{`${t.ssoTitle} · ${frame.product}`}</title>
      <main>
        {failed === undefined ? (
          <Spinner size="large" />
        ) : (
          <SignInFailed
            failed={failed}
            onAgain={() => void navigate(begun.current?.to ?? '/console/', { replace: true })}
          />
        )}
      </main>
    </div>
  );
}

function SignInFailed({ failed, onAgain }: { failed: unknown; onAgain: () => void }) {
  const again = <Button onClick={onAgain}>{t.ssoAgain}</Button>;
  if (typeof failed !== 'string') return <ProblemAlert problem={failed} action={again} />;
  return (
    <Alert type="error" header={t.refused} action={again}>
      {t.ssoErrors[failed] ?? t.ssoLost}
    </Alert>
  );
}
