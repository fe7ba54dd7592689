import type { ReactNode } from 'react';
import { Link } from '../frame/link.tsx';
import { filtered, type Comparison } from '../parts/filter-in-address.ts';
import type { useMay } from '../session/session.tsx';
import { requests } from '../texts/requests.ts';

/** The way to the requests of a CloudKey, or of a key set, that were refused or failed; nothing for who may not see them. */
export function refusedFact(
  may: ReturnType<typeof useMay>,
  home: string,
  ...of: readonly Comparison[]
): readonly (readonly [string, ReactNode])[] {
  if (!may('listFailedRequests')) return [];
  const href = filtered(`${home}/requests`, ...of);
  return [
    [
      requests.title,
      <Link key="requests" href={href}>
        {requests.refused}
      </Link>,
    ],
  ];
}
