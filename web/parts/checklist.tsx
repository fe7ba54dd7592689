import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { Link } from '../frame/link.tsx';

export interface Step {
  text: string;
  done: boolean;
  /** It may be left out. */
  optional?: boolean;
  /** Where it is done, where the reader may do it. */
  act?: { text: string; href: string } | undefined;
}

/** What comes one after another, with how far it is. */
export function Checklist({ title, why, steps }: { title: string; why: string; steps: readonly Step[] }) {
  return (
    <Container
      header={
        <Header variant="h2" description={why}>
          {title}
        </Header>
      }
    >
      <SpaceBetween size="xs">
        {steps.map(({ done, optional, text, act }) => (
          <div key={text} className="line">
            <StatusIndicator type={done ? 'success' : optional === true ? 'info' : 'pending'}>
              {text}
            </StatusIndicator>
            {!done && act !== undefined && <Link href={act.href}>{act.text}</Link>}
          </div>
        ))}
      </SpaceBetween>
    </Container>
  );
}
