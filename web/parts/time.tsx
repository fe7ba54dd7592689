import { useSyncExternalStore, type ReactNode } from 'react';
import Box from '@cloudscape-design/components/box';
import Popover from '@cloudscape-design/components/popover';
import { Copyable } from '../frame/copyable.tsx';
import { exact, relative, type RelativeFormats } from '../texts/locale.ts';
import { parts as t } from '../texts/parts.ts';

/* Times as people say them, with the exact ones at hand: local, and UTC as the log has them. */

/** From so many seconds on the unit is used. */
const units = [
  [365 * 86_400, 'year'],
  [30 * 86_400, 'month'],
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
] as const;

const listeners = new Set<() => void>();
let now = Date.now();
setInterval(() => {
  now = Date.now();
  for (const listener of listeners) listener();
}, 10_000);

/** The calendar time, anew every ten seconds. */
export function useNow(): number {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => now,
  );
}

function relativeTime(at: string, from: number, { named, counted }: RelativeFormats = relative.long): string {
  const seconds = Math.round((Date.parse(at) - from) / 1000);
  // What the server has just answered is ahead of a clock that is read every ten seconds.
  if (seconds > -10 && seconds <= 11) return t.now;
  const [size, unit] = units.find(([least]) => Math.abs(seconds) >= least) ?? [1, 'second'];
  const told = unit === 'year' || unit === 'month' ? counted : named;
  return told.format(Math.trunc(seconds / size), unit);
}

/** As logs, CloudTrail and the command line have it. */
export function utcTime(at: string): string {
  return `${at.slice(0, 19).replace('T', ' ')} UTC`;
}

function exactTime(at: string): string {
  return t.exact(exact.format(new Date(at)), utcTime(at));
}

interface Props {
  at: string | null | undefined;
  /** What is said where there is none. */
  none?: string;
}

export function Time({ at, none = t.none }: Props) {
  const from = useNow();
  if (at === null || at === undefined) return <>{none}</>;
  return <Exactly at={at}>{relativeTime(at, from, relative.short)}</Exactly>;
}

/** What a pointer is shown by itself, and a key or a finger by a press; to be copied in either form. */
function Exactly({ at, children }: { at: string; children: ReactNode }) {
  return (
    <Popover
      triggerType="text-inline"
      position="top"
      renderWithPortal
      content={
        <>
          <Told what={t.localTime} text={exact.format(new Date(at))} />
          <Told what={t.utc} text={at} />
        </>
      }
    >
      <time dateTime={at} title={exactTime(at)}>
        {children}
      </time>
    </Popover>
  );
}

function Told({ what, text }: { what: string; text: string }) {
  return (
    <Box margin={{ bottom: 'xxs' }}>
      <Box variant="awsui-key-label">{what}</Box>
      <Copyable text={text} what={what} />
    </Box>
  );
}

/** Where nothing is pressed, in a band above everything: on a screen on a wall, what is relative would have to go on by itself. */
export function PlainTime({ at }: { at: string }) {
  return (
    <time dateTime={at} title={utcTime(at)}>
      {exact.format(new Date(at))}
    </time>
  );
}

/** With the exact time, where there is room, and UTC beneath where the browser's zone has another. */
export function WholeTime({ at, none = t.none }: Props) {
  const from = useNow();
  if (at === null || at === undefined) return <>{none}</>;
  return (
    <>
      <Exactly at={at}>{exact.format(new Date(at))}</Exactly>{' '}
      <span className="whole">({relativeTime(at, from)})</span>
      {new Date(at).getTimezoneOffset() !== 0 && (
        <Box variant="span" display="block" color="text-body-secondary" fontSize="body-s">
          {utcTime(at)}
        </Box>
      )}
    </>
  );
}
