import { useState } from 'react';

/** A form's one act: busy while it is under way, with what kept it from being done. */
export function useSubmit(act: () => Promise<void>): { submit: () => void; busy: boolean; problem: unknown } {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>();
  const run = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await act();
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return { submit: () => void (busy ? undefined : run()), busy, problem };
}
