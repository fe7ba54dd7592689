/**
 * Lines of comma-separated values as RFC 4180 has them, with a heading. What a spreadsheet would take for a formula is
 * marked as text: names and descriptions are anybody's.
 */
export function csvOf(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, ...rows].map((row) => `${row.map((one) => cellOf(one)).join(',')}\r\n`).join('');
}

function cellOf(text: string): string {
  // A spreadsheet of many languages begins a cell at a semicolon too, whatever is in quotes (OWASP, CSV injection).
  const safe = text.replaceAll(/(^|[;|\t\r\n])(?=\s*["']*[=+\-@＝＋－＠])/gu, "$1'");
  return /[",;|\t\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
