import type { ReactNode } from 'react';
import { Copyable } from '../frame/copyable.tsx';
import { Link } from '../frame/link.tsx';
import type { useMay } from '../session/session.tsx';
import { parts as t } from '../texts/parts.ts';
import { filtered } from './filter-in-address.ts';

/** What every record has: its own id, as the API and Terraform take it, and the way to what was done to it. */
export function recordFacts(
  may: ReturnType<typeof useMay>,
  home: string,
  id: string,
): readonly (readonly [string, ReactNode])[] {
  return [
    [t.recordId, <Copyable key="record" text={id} what={t.recordId} />],
    ...(may('listAuditEvents')
      ? [
          [
            t.activity,
            <Link key="audit" href={filtered(`${home}/audit`, ['by-target', '=', id])}>
              {t.toActivity}
            </Link>,
          ] as const,
        ]
      : []),
  ];
}
