import { z } from 'zod';
import { time } from '../keys/key-forms.ts';
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
  message: z.string().describe('The finding, in a sentence.'),
  remediation: z.string().describe('The command that fixes it, or shows more.'),
  fingerprint: z
    .string()
    .nullable()
    .describe('Of the finding as it is now, to acknowledge it by; null if it cannot be acknowledged.'),
  acknowledgements: z
    .array(acknowledgement)
    .describe('The newest first; empty if the finding, or part of it, needs attention.'),
});

export function showFinding(finding: JudgedFinding): z.infer<typeof shownFinding> {
  const { trouble, where, message, remediation, fingerprint, acknowledgements } = finding;
  return { trouble, where, message, remediation, fingerprint, acknowledgements };
}
