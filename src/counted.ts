/** A number with its noun, such as `1 vault`, `2 vaults`, `no vaults`; `plural` where an s does not make it. */
export function counted(
  count: number | 'no' | `more than ${number}`,
  noun: string,
  plural = `${noun}s`,
): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
