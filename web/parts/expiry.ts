import { useRef } from 'react';

const day = 86_400_000;

/**
 * When so many days from now are over. The same at each try of a form: what is sent again because its answer was lost is the
 * same request.
 */
export function useExpiry(): (days: string) => string {
  const ends = useRef(new Map<string, string>());
  return (days) => {
    const end = ends.current.get(days) ?? new Date(Date.now() + Number(days) * day).toISOString();
    ends.current.set(days, end);
    return end;
  };
}
