import { z } from 'zod';
import { isPlainText } from '../vault/names.ts';

/*
 * Why somebody takes something away, or gives it back: one field of the body for all such acts, kept in the audit trail. It
 * is never required: what stops a key must not ask.
 */

const reason = z
  .string()
  .trim()
  .max(300)
  .refine(isPlainText, 'must have no control characters but line feeds and tabs, and no bidirectional marks')
  .optional()
  .describe('The reason, such as an incident number; kept in the audit trail.');

/** The body of a route that takes a reason: with the fields that it has besides, if any. */
export function withReason(body: z.ZodType | undefined): z.ZodType {
  if (body === undefined) return z.strictObject({ reason });
  if (!(body instanceof z.ZodObject)) throw new Error('a reason goes with the fields of an object');
  return body.extend({ reason });
}

/** What is told of it; undefined for nothing, and for nothing but spaces. */
export function reasonIn(route: { takesReason?: boolean }, body: unknown): string | undefined {
  const told = route.takesReason === true ? (body as { reason?: string }).reason : undefined;
  return told === '' ? undefined : told;
}
