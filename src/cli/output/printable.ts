/**
 * Text of others for the terminal: names, user agents and details come from whoever wrote them, and control characters
 * among them could move the cursor, hide lines or turn the direction of writing; what is not seen could make one name look
 * like another. (The joiners U+200C and U+200D stay: scripts and emoji are written with them.)
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\u00AD\u061C\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]/gu,
    '\uFFFD',
  );
}
