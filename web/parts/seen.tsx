import { useState, type ReactNode } from 'react';
import Box from '@cloudscape-design/components/box';
import Modal from '@cloudscape-design/components/modal';
import Spinner from '@cloudscape-design/components/spinner';
import { useQuery } from '@tanstack/react-query';
import type { Answered } from '../api/client.ts';
import { isProblemOf, ProblemError } from '../api/problem.ts';
import { ProblemAlert } from '../frame/problem-alert.tsx';
import { lookForSessionTrouble } from '../session/trouble.ts';
import { frame } from '../texts/frame.ts';
import { parts as t } from '../texts/parts.ts';
import type { WhenChanged } from './act-dialog.tsx';
import { Facts } from './facts.tsx';

/*
 * A change is made against the record that its dialog was opened with: what others change meanwhile is shown, and nothing
 * of it is overwritten unseen.
 */

export interface Seen<T> {
  body: T;
  etag: string;
}

/** A field of a record, for people. */
export type Fact = readonly [label: string, text: string];

/** Throws ProblemError where the answer does not say which version it is of: a change of it would be a blind one. */
export function seenOf<T>({ body, etag }: Answered<T>): Seen<T> {
  if (etag === undefined) throw new ProblemError({ kind: 'unreachable', status: 200, ...frame.noVersion });
  return { body, etag };
}

/** Reads the record for a dialog once, as the dialog is opened. */
export function Opened<T>({
  title,
  read,
  onClose,
  children,
}: {
  title: string;
  read: () => Promise<Answered<T>>;
  onClose: () => void;
  children: (seen: Seen<T>) => ReactNode;
}) {
  const [opening] = useState(() => crypto.randomUUID());
  const { data, error } = useQuery<Seen<T>>({
    queryKey: ['opened', opening],
    queryFn: async () => seenOf(await read()),
    enabled: ({ state }) => state.data === undefined,
    gcTime: 0,
  });
  if (data !== undefined) return <>{children(data)}</>;
  return (
    <Modal visible header={title} closeAriaLabel={frame.close} onDismiss={onClose}>
      {error === null ? (
        <Box textAlign="center">
          <Spinner /> {t.loading}
        </Box>
      ) : (
        <ProblemAlert problem={error} />
      )}
    </Modal>
  );
}

interface Watched<T> {
  /** What the next change is made against; undefined for what is being made. */
  now: T | undefined;
  etag: string;
  /** For the dialog. */
  whenChanged: WhenChanged | { [Name in keyof WhenChanged]?: never };
}

/**
 * What a dialog was opened with and, once a change was refused because of another, what is there now. `onNow` brings a form
 * up to it.
 */
export function useSeen<T>(
  first: Seen<T> | undefined,
  read: () => Promise<Answered<T>>,
  facts: (record: T) => readonly Fact[],
  onNow?: (before: T, now: T) => void,
): Watched<T> {
  const [opened] = useState(first);
  const [seen, setSeen] = useState(first);
  if (opened === undefined || seen === undefined) return { now: undefined, etag: '', whenChanged: {} };
  const onConflict = async () => {
    try {
      const now = seenOf(await read());
      onNow?.(seen.body, now.body);
      setSeen(now);
    } catch (error) {
      lookForSessionTrouble(error);
      throw error;
    }
  };
  const conflict = <Changes before={facts(opened.body)} now={facts(seen.body)} />;
  return { now: seen.body, etag: seen.etag, whenChanged: { onConflict, conflict } };
}

/**
 * The same for a record that is sent whole, and may not be there yet: what others have set meanwhile is taken into the form
 * before anything else can be done.
 */
export function useWhole<T>(
  first: Seen<T> | undefined,
  read: () => Promise<Answered<T>>,
  facts: (record: T) => readonly Fact[],
  onTake: (now: T) => void,
): { ifMatch: () => Promise<string>; whenChanged: WhenChanged } {
  const [opened] = useState(first);
  const [seen, setSeen] = useState(first);
  return {
    ifMatch: async () => {
      if (seen !== undefined) return seen.etag;
      try {
        await read();
      } catch (error) {
        if (isProblemOf(error, 'not-found')) return '*';
        lookForSessionTrouble(error);
        throw error;
      }
      throw new ProblemError({ kind: 'precondition-failed', status: 412, ...frame.setMeanwhile });
    },
    whenChanged: {
      onConflict: async () => {
        try {
          setSeen(seenOf(await read()));
        } catch (error) {
          lookForSessionTrouble(error);
          throw error;
        }
      },
      conflict: seen !== undefined && (
        <Changes before={opened === undefined ? [] : facts(opened.body)} now={facts(seen.body)} />
      ),
      onTake: () => {
        if (seen !== undefined) onTake(seen.body);
      },
    },
  };
}

function Changes({ before, now }: { before: readonly Fact[]; now: readonly Fact[] }) {
  const old = new Map(before);
  const changed = now.filter(([label, text]) => old.get(label) !== text);
  if (changed.length === 0) return <div>{frame.conflictNothing}</div>;
  return (
    <Facts
      columns={1}
      items={changed.map(([label, text]) => [
        label,
        frame.conflictWas(text || t.none, old.get(label) || t.none),
      ])}
    />
  );
}

/** What differs from before, which is all that a change sends. */
export function changeOf<B extends object>(body: B, before: B): Partial<B> {
  const old = new Map<string, unknown>(Object.entries(before));
  return Object.fromEntries(
    Object.entries(body).filter(([name, value]) => !isSame(value, old.get(name))),
  ) as Partial<B>;
}

/** Ours where a form was changed here, theirs elsewhere. */
export function merged<F extends object>(mine: F, before: F, theirs: F): F {
  return { ...theirs, ...changeOf(mine, before) };
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
