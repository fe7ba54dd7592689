import { createContext, use, useEffect, useMemo, useState, type ReactNode } from 'react';
import type { BreadcrumbGroupProps } from '@cloudscape-design/components/breadcrumb-group';
import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import { frame as t } from '../texts/frame.ts';
import { FindingsHere } from './findings-here.tsx';

type Crumb = BreadcrumbGroupProps.Item;

interface Crumbs {
  crumbs: readonly Crumb[];
  setCrumbs: (crumbs: readonly Crumb[]) => void;
}

const noCrumbs: readonly Crumb[] = [];

const Context = createContext<Crumbs | undefined>(undefined);

export function PageProvider({ children }: { children: ReactNode }) {
  const [crumbs, setCrumbs] = useState<readonly Crumb[]>([]);
  const value = useMemo(() => ({ crumbs, setCrumbs }), [crumbs]);
  return <Context value={value}>{children}</Context>;
}

export function useCrumbs(): readonly Crumb[] {
  return use(Context)?.crumbs ?? [];
}

interface Props {
  title: string;
  /** Pages above this one. */
  above?: readonly Crumb[];
  description?: ReactNode;
  actions?: ReactNode;
  /** Beside the title, such as a state. */
  info?: ReactNode;
  children: ReactNode;
  /** A table has a heading of its own. */
  headless?: boolean;
}

/** A page: its title in the tab, its place above it, its heading. */
export function Page({
  title,
  above = noCrumbs,
  description,
  actions,
  info,
  children,
  headless = false,
}: Props) {
  const setCrumbs = use(Context)?.setCrumbs;
  const trail = JSON.stringify([...above, { text: title, href: '#' }]);
  useEffect(() => setCrumbs?.(JSON.parse(trail) as Crumb[]), [setCrumbs, trail]);
  return (
    <>
      <title>{`${title} · ${t.product}`}</title>
      {headless ? (
        children
      ) : (
        <ContentLayout
          header={
            <Header variant="h1" description={description} actions={actions} info={info}>
              {title}
            </Header>
          }
        >
          <FindingsHere />
          {children}
        </ContentLayout>
      )}
    </>
  );
}
