import { useQuery } from '@tanstack/react-query';
import { call } from '../api/client.ts';
import { frame as t } from '../texts/frame.ts';

/** Which of several appliances this is, in a band above everything: what is done in it is done there. */
export function EnvironmentBand() {
  const { data } = useQuery({
    queryKey: ['environment'],
    queryFn: async () => call('getSignInOptions', {}),
    staleTime: Infinity,
  });
  // A node of an older version does not say.
  const environment = data?.body.environment ?? null;
  if (environment === null) return null;
  return (
    <section className={`environment environment-${environment.color}`} aria-label={t.environment}>
      {environment.label}
    </section>
  );
}
