import { z } from 'zod';
import { time } from '../keys/key-forms.ts';
import { shownAffected } from './affected.ts';
import { allTroubles } from './findings.ts';
import type { JudgedFinding } from './acknowledgements.ts';

const acknowledgement = z.strictObject({
  by: z.string().describe('User or API key that did it.'),
  at: time,
  until: time.nullable().describe('When it ends at the latest; null for once the finding changes.'),
  note: z.string(),
});

export const shownFinding = z.strictObject({
  trouble: z.enum(allTroubles),
  where: z.string().describe('The token, vault or node.'),
  on: z
    .array(shownAffected)
    .describe(
      'What it is on, a hundred at most; empty if it is on the appliance as a whole. Of what is inside a vault, users of the appliance are told the vault.',
    ),
  onMore: z.int().describe('How many more it is on.'),
  message: z.string().describe('The finding, in a sentence.'),
  remediation: z.string().describe('The command that fixes it, or shows more.'),
  command: z
    .string()
    .nullable()
    .describe(
      'The command in it, as it is typed; null if more than a command is needed, or others have to do it.',
    ),
  fingerprint: z
    .string()
    .nullable()
    .describe('Of the finding as it is now, to acknowledge it by; null if it cannot be acknowledged.'),
  acknowledgements: z
    .array(acknowledgement)
    .describe('The newest first; empty if the finding, or part of it, needs attention.'),
});

export function showFinding(finding: JudgedFinding): z.infer<typeof shownFinding> {
  const { trouble, where, on, onMore = 0, message, remediation, fingerprint, acknowledgements } = finding;
  const told = { on: on === 'appliance' ? [] : [...on], onMore, command: finding.command ?? null };
  return { trouble, where, ...told, message, remediation, fingerprint, acknowledgements };
}
