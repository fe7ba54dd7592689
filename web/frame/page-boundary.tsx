import { Component, type ReactNode } from 'react';
import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import { frame as t } from '../texts/frame.ts';

/** An error of ours in a page leaves the frame standing. */
export class PageBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return (
      <Alert
        type="error"
        header={t.crashed}
        action={<Button onClick={() => window.location.reload()}>{t.reload}</Button>}
      >
        {t.crashedWhy}
      </Alert>
    );
  }
}
