import { z } from 'zod';

const names = z.array(z.string());

/** Names of the tokens that a vault's key sets may use. */
export function tokensOf({ tokens }: { tokens: string }): string[] {
  return names.parse(JSON.parse(tokens));
}
