import { createElement, Fragment, useEffect, type ReactNode } from 'react';
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Spinner from '@cloudscape-design/components/spinner';
import { useQuery } from '@tanstack/react-query';
import { useLocation, useParams } from 'react-router';
import { Link } from '../frame/link.tsx';
import { NotFound } from '../frame/not-found.tsx';
import { Page } from '../frame/page.tsx';
import { homeOf, useSession } from '../session/session.tsx';
import { frame } from '../texts/frame.ts';
import { help as t } from '../texts/help.ts';
import { docAddress } from './doc-address.ts';
import { docText } from './doc-files.ts';
import { targetOf, titleOf } from './doc-pages.ts';
import { parseMarkdown, type Block, type Inline } from './markdown.ts';

/** A page of the documentation of this version, which the node serves itself. */
export function DocPage() {
  const { doc = '' } = useParams();
  const { hash } = useLocation();
  const home = homeOf(useSession().user);
  const { data, isPending, isError } = useQuery({
    queryKey: ['documentation', doc],
    queryFn: async () => parseMarkdown((await docText(doc)) ?? ''),
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => {
    if (data !== undefined && hash !== '')
      document.getElementById(decodeURIComponent(hash.slice(1)))?.scrollIntoView();
  }, [data, hash]);
  if (isPending) return <Spinner size="large" />;
  if (isError || data.length === 0) return <NotFound />;
  return (
    <Page
      title={titleOf(data)}
      above={[{ text: t.documentation, href: docAddress(home, 'guide', '') }]}
      headless
    >
      <Container>
        <article className="documentation">
          <Blocks blocks={data} />
        </article>
      </Container>
    </Page>
  );
}

/** What never changes its order needs no keys. */
function each<T>(things: readonly T[], show: (thing: T) => ReactNode): ReactNode {
  return createElement(Fragment, null, ...things.map((thing) => show(thing)));
}

function Blocks({ blocks }: { blocks: readonly Block[] }) {
  return each(blocks, (block) => <OneBlock block={block} />);
}

function OneBlock({ block }: { block: Block }): ReactNode {
  switch (block.kind) {
    case 'heading': {
      const variant = headings[block.level - 1] ?? 'h5';
      return (
        <div id={block.id}>
          <Box variant={variant} tagOverride={variant} margin={{ top: 'l', bottom: 'xs' }}>
            <Text of={block.children} />
          </Box>
        </div>
      );
    }
    case 'paragraph':
      return (
        <Box variant="p">
          <Text of={block.children} />
        </Box>
      );
    case 'code':
      return (
        <pre>
          <code>{block.text}</code>
        </pre>
      );
    case 'list': {
      const items = each(block.items, (item) => (
        <li>
          <Blocks blocks={item} />
        </li>
      ));
      return block.ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
    case 'table':
      return <Table {...block} />;
  }
}

function Table({ head, rows }: Extract<Block, { kind: 'table' }>) {
  return (
    <table>
      <thead>
        <tr>
          {each(head, (cell) => (
            <th scope="col">
              <Text of={cell} />
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {each(rows, (row) => (
          <tr>
            {each(row, (cell) => (
              <td>
                <Text of={cell} />
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const headings = ['h1', 'h2', 'h3', 'h4', 'h5'] as const;

function Text({ of }: { of: readonly Inline[] }) {
  return each(of, partOf);
}

function partOf(part: Inline): ReactNode {
  if (typeof part === 'string') return part;
  if (part.kind === 'code') return <code>{part.text}</code>;
  const children = <Text of={part.children} />;
  if (part.kind === 'strong') return <strong>{children}</strong>;
  if (part.kind === 'emphasis') return <em>{children}</em>;
  return <DocLink href={part.href}>{children}</DocLink>;
}

function DocLink({ href, children }: { href: string; children: ReactNode }) {
  const { doc = '' } = useParams();
  const home = homeOf(useSession().user);
  const target = targetOf(href, doc);
  if (target.kind === 'none') return children;
  if (target.kind === 'out')
    return (
      <Link href={target.href} external externalIconAriaLabel={frame.newTab}>
        {children}
      </Link>
    );
  return <Link href={docAddress(home, target.name, target.anchor)}>{children}</Link>;
}
