import { useCallback, useId, useMemo, useRef, useState } from 'react';
import {
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type UseMutationResult,
  type UseQueryResult,
} from '@tanstack/react-query';
import { nextLook, pace, type Every } from './looks.ts';
import { call, type Answered, type Input } from './client.ts';
import { pagesOf, withFresh, type ListPage } from './long-list.ts';
import type { AnswerOf, ParamsOf, QueryOf } from './operation-types.ts';
import type { OperationName } from './operations.ts';
import { lookForSessionTrouble } from '../session/trouble.ts';
import { useIsWatched } from './watched.ts';

/* Reading and acting, for pages: what is shown is what the server said last, and is never guessed ahead. */

/** Operations that answer a page of a list. */
export type ListName = {
  [O in OperationName]: AnswerOf<O> extends { items: unknown[]; next: string | null } ? O : never;
}[OperationName];

export type ItemOf<O extends ListName> = AnswerOf<O> extends { items: (infer T)[] } ? T : never;

interface Reading {
  /** Milliseconds until the next look. */
  every?: Every;
  enabled?: boolean;
}

interface RecordReading<O extends OperationName> extends Omit<Reading, 'every'> {
  query?: QueryOf<O>;
  every?: Every | ((body: AnswerOf<O>) => Every);
  /** Asked for this place alone: what was answered elsewhere, or earlier, is no answer to it. */
  alone?: boolean;
}

/** When it is looked at again: not while nobody looks at the page, else by {@link nextLook}. */
function useLooks(): (error: unknown, every: Every) => Every {
  const watched = useIsWatched();
  return (error, every) => (watched ? nextLook(error, every) : false);
}

/** One record, with its ETag. */
export function useRecord<O extends OperationName>(
  operation: O,
  params: ParamsOf<O>,
  { query, every = pace.list, enabled = true, alone = false }: RecordReading<O> = {},
) {
  const looks = useLooks();
  const place = useId();
  return useQuery<Answered<AnswerOf<O>>>({
    queryKey: [operation, params, ...(query === undefined ? [] : [query]), ...(alone ? [place] : [])],
    ...(alone ? { gcTime: 0 } : {}),
    queryFn: async ({ signal }) => call(operation, { params, query, signal } as unknown as Input<O>),
    enabled,
    refetchInterval: ({ state }) => {
      if (typeof every !== 'function') return looks(state.error, every);
      return looks(state.error, state.data === undefined ? pace.list : every(state.data.body));
    },
  });
}

/** Asks again. Throws what kept it from being answered: what was known before is no answer. */
export async function again<T>(read: UseQueryResult<Answered<T>>): Promise<Answered<T>> {
  const { data } = await read.refetch({ throwOnError: true });
  if (data === undefined) throw new Error('asked again, and there is no answer');
  return data;
}

/** What the server says of what somebody has typed, and makes nothing of: asked once for each body, and kept no longer than it is shown. */
export function useToldOf<O extends OperationName>(
  operation: O,
  input: Input<O> | undefined,
  /** Not while what is typed is being made: then it is there, and asking again tells so. */
  enabled = true,
) {
  return useQuery<Answered<AnswerOf<O>>>({
    queryKey: [operation, input],
    queryFn: async ({ signal }) => call(operation, { ...input, signal } as unknown as Input<O>),
    enabled: enabled && input !== undefined,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
}

/** A list, page by page; `fetchNextPage` asks for more. */
export function useList<O extends ListName>(
  operation: O,
  params: ParamsOf<O>,
  { query, every = pace.list, enabled = true }: Reading & { query?: QueryOf<O> } = {},
) {
  const looks = useLooks();
  const page = async (cursor: string | undefined, signal: AbortSignal) => {
    const asked = { params, query: { limit: 200, ...query, cursor }, signal };
    return (await call(operation, asked as unknown as Input<O>)).body as ListPage<ItemOf<O>>;
  };
  // Only what is read of the answer has the list shown anew: not that it is being asked for again.
  const list = useInfiniteQuery({
    queryKey: [operation, params, query ?? {}],
    queryFn: async ({ pageParam, signal }) => page(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
    // In another order it is the same list. What was asked for otherwise is not shown as if it were found.
    placeholderData: (before, read) =>
      read !== undefined && isOfSame(read.queryKey, query) ? before : undefined,
    enabled,
    // Of a long list all pages are asked for again: seldom.
    refetchInterval: ({ state }) =>
      looks(state.error, every !== false && isLong(state.data?.pages) ? pace.rare : every),
  });
  const { data, error, isPending, isPlaceholderData } = list;
  const { hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = list;
  // Between, those that somebody looks at.
  const [inView, setInView] = useState<readonly string[]>([]);
  const cursors = useMemo(() => {
    if (data === undefined || isPlaceholderData || !isLong(data.pages)) return [];
    return pagesOf(data.pages, inView)
      .slice(0, mostInView)
      .map((index) => data.pageParams[index] as string | undefined);
  }, [data, isPlaceholderData, inView]);
  const { data: seen } = useQuery({
    queryKey: [operation, params, query ?? {}, 'in view', cursors],
    queryFn: async ({ signal }) => Promise.all(cursors.map(async (cursor) => page(cursor, signal))),
    enabled: enabled && every !== false && cursors.length > 0,
    // What was in view before is not shown again as it was then.
    gcTime: 0,
    refetchInterval: ({ state }) => looks(state.error, every),
  });
  const items = useMemo(() => {
    const fresh = new Map(seen?.map((one, n) => [data?.pageParams.indexOf(cursors[n]) ?? -1, one]));
    return withFresh(data?.pages ?? [], fresh);
  }, [data, seen, cursors]);
  const onView = useCallback((keys: readonly string[]) => {
    setInView((before) => (before.join() === keys.join() ? before : keys));
  }, []);
  return { items, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage, refetch, onView };
}

/** Whether what was read differs in nothing but its order; one hook asks one list. */
function isOfSame([, , before]: readonly unknown[], query: object = {}): boolean {
  const unordered = (asked: object) => JSON.stringify({ ...asked, sort: undefined });
  return unordered(before as object) === unordered(query);
}

/** It would be asked for again page after page. */
function isLong(pages: readonly unknown[] = []): boolean {
  return pages.length > 2;
}

/** So many pages of a list are asked for at once. */
const mostInView = 4;

/** Every item of a list that is short by its nature, such as admin groups. */
export function useWholeList<O extends ListName>(
  operation: O,
  params: ParamsOf<O>,
  { query, every = pace.rare, enabled = true }: Reading & { query?: QueryOf<O> } = {},
) {
  const looks = useLooks();
  return useQuery<ItemOf<O>[]>({
    queryKey: [operation, params, query ?? {}, 'whole'],
    queryFn: async ({ signal }) => {
      const all: ItemOf<O>[] = [];
      let cursor: string | undefined;
      do {
        const { body } = await call(operation, {
          params,
          query: { limit: 200, ...query, cursor },
          signal,
        } as unknown as Input<O>);
        const page = body as { items: ItemOf<O>[]; next: string | null };
        all.push(...page.items);
        cursor = page.next ?? undefined;
      } while (cursor !== undefined && all.length < mostItems);
      return all;
    },
    enabled,
    refetchInterval: ({ state }) => looks(state.error, every),
  });
}

const mostItems = 5_000;

export type Act<O extends OperationName> = UseMutationResult<Answered<AnswerOf<O>>, Error, Input<O>>;

/** An act. Once the server has done it everything on the page is asked for again. */
export function useAct<O extends OperationName>(operation: O): Act<O> {
  const client = useQueryClient();
  return useMutation({
    mutationKey: [operation],
    mutationFn: async (input: Input<O>) => call(operation, input),
    // What was typed and what was answered, secrets among it, is in memory no longer than the form is.
    gcTime: 0,
    // The answer waits for no list: a secret that is shown once is shown at once.
    onSettled: () => void client.invalidateQueries(),
  });
}

/** Runs requests that change something, as {@link useAct} does, where which of them is not known beforehand. */
export function useDo(): <T>(act: () => Promise<T>) => Promise<T> {
  const client = useQueryClient();
  return async (act) => {
    try {
      return await act();
    } catch (error) {
      lookForSessionTrouble(error);
      throw error;
    } finally {
      void client.invalidateQueries();
    }
  };
}

/**
 * Idempotency keys of a form: the same body has the same key, so that what was sent again because its answer was lost is not
 * made twice; another body is another request.
 */
export function useIdempotencyKeys(): (body: unknown) => string {
  const keys = useRef(new Map<string, string>());
  return (body) => {
    const text = JSON.stringify(body);
    const key = keys.current.get(text) ?? crypto.randomUUID();
    keys.current.set(text, key);
    return key;
  };
}
