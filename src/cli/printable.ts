/**
 * Text of others for the terminal: names, user agents and details come from whoever wrote them, and control characters
 * among them could move the cursor, hide lines or turn the direction of writing.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069\uFEFF]/gu, '\uFFFD');
}
