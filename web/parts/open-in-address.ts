import { useCallback } from 'react';
import { useSearchParams } from 'react-router';

/** Which one of a list is open stands in the address: it can be sent to somebody, and the back button closes it. */
export function useOpenInAddress(
  name: string,
): [id: string | undefined, open: (id: string) => void, close: () => void] {
  const [search, setSearch] = useSearchParams();
  const open = useCallback(
    (id: string) =>
      setSearch((before) => {
        const after = new URLSearchParams(before);
        after.set(name, id);
        return after;
      }),
    [setSearch, name],
  );
  const close = useCallback(
    () =>
      setSearch(
        (before) => {
          const after = new URLSearchParams(before);
          after.delete(name);
          return after;
        },
        { replace: true },
      ),
    [setSearch, name],
  );
  return [search.get(name) ?? undefined, open, close];
}
