import { useCallback, type ReactNode } from 'react';
import CloudscapeLink, { type LinkProps } from '@cloudscape-design/components/link';
import { useNavigate } from 'react-router';

interface Followed {
  preventDefault: () => void;
  detail: { href?: string; external?: boolean };
}

/** Goes to a page of the console without loading it anew. */
export function useFollow(): (event: Followed) => void {
  const navigate = useNavigate();
  return useCallback(
    (event) => {
      const { href, external } = event.detail;
      if (href === undefined || external === true || !href.startsWith('/console')) return;
      event.preventDefault();
      void navigate(href);
    },
    [navigate],
  );
}

export function Link({ href, children, ...rest }: LinkProps & { href: string; children: ReactNode }) {
  const follow = useFollow();
  return (
    <CloudscapeLink href={href} onFollow={follow} {...rest}>
      {children}
    </CloudscapeLink>
  );
}
