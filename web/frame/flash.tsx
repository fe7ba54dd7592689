import { createContext, use, useCallback, useMemo, useState, type ReactNode } from 'react';
import Flashbar, { type FlashbarProps } from '@cloudscape-design/components/flashbar';
import type { InForce } from '../api/in-force.ts';
import { inForceWords } from '../texts/in-force.ts';
import { frame as t } from '../texts/frame.ts';

interface Flash {
  type: FlashbarProps.Type;
  header: ReactNode;
  content?: ReactNode;
  /** Of what was taken away: on which nodes. */
  inForce?: InForce | undefined;
}

interface Flashes {
  items: FlashbarProps.MessageDefinition[];
  flash: (one: Flash) => void;
}

const Context = createContext<Flashes | undefined>(undefined);

/** So many stay; older ones go first. */
const most = 4;

/** What was done, told above the page until somebody takes it away, or something else went well. */
export function FlashProvider({ children }: { children: ReactNode }) {
  const [items, setItems] = useState<FlashbarProps.MessageDefinition[]>([]);
  const flash = useCallback(({ type, header, content, inForce }: Flash) => {
    const id = crypto.randomUUID();
    const dismiss = () => setItems((now) => now.filter((item) => item.id !== id));
    const item: FlashbarProps.MessageDefinition = {
      id,
      type,
      header,
      content: (
        <>
          {inForce !== undefined && inForceWords(inForce)}
          {content}
        </>
      ),
      dismissible: true,
      dismissLabel: t.dismiss,
      onDismiss: dismiss,
      ariaRole: type === 'error' ? 'alert' : 'status',
    };
    // Of what went well the last one is told: the page shows the rest.
    setItems((now) => [item, ...now.filter((one) => one.type !== 'success')].slice(0, most));
  }, []);
  const value = useMemo(() => ({ items, flash }), [items, flash]);
  return <Context value={value}>{children}</Context>;
}

export function useFlash(): (one: Flash) => void {
  return useFlashes().flash;
}

export function FlashArea() {
  return <Flashbar items={useFlashes().items} stackItems />;
}

function useFlashes(): Flashes {
  const flashes = use(Context);
  if (flashes === undefined) throw new Error('there is no FlashProvider above');
  return flashes;
}
