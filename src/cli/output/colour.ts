import { styleText } from 'node:util';
import { terminal } from './streams.ts';

/** When text has colour: `auto` on a terminal that shows it and where NO_COLOR is not set. */
export const colourChoices = ['auto', 'always', 'never'] as const;
export type ColourChoice = (typeof colourChoices)[number];

export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red';

export function coloured(style: Style, text: string, choice: ColourChoice = 'auto'): string {
  const isWanted = choice === 'always' || (choice === 'auto' && terminal()?.hasColours === true);
  return isWanted ? styleText(style, text, { validateStream: false }) : text;
}

const states: Readonly<Record<Style, readonly string[]>> = {
  green: ['ACTIVE', 'AVAILABLE', 'CONNECTED', 'Enabled', 'LIVE', 'UP', 'ok', 'done'],
  yellow: [
    'CONNECTING',
    'CREATING',
    'DEGRADED',
    'DISABLED',
    'DISCONNECTED',
    'DISCONNECTING',
    'Disabled',
    'EXPIRED',
    'FROZEN',
    'PENDING',
    'PENDING_DELETION',
    'PendingDeletion',
    'UNKNOWN',
  ],
  red: ['DOWN', 'DESTROYING', 'FAILED', 'NOT_FOUND', 'UNAVAILABLE', 'Unavailable', 'refused'],
  dim: ['DELETED', 'DESTROYED', 'ENDED', 'GONE', 'REVOKED', 'RETIRED', 'WITHDRAWN'],
  bold: [],
};

const styleOf = new Map(
  Object.entries(states).flatMap(([style, words]) => words.map((word) => [word, style as Style])),
);

/** How a state is painted: by its first word. Undefined for other text. */
export function styleOfState(text: string): Style | undefined {
  return styleOf.get(/^[A-Za-z_]+/.exec(text)?.[0] ?? '');
}
