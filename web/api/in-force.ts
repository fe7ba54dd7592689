/** On how many nodes that serve from memory what was taken away is in force. */
export interface InForce {
  nodes: number;
  /** They have confirmed it, and finished what began before. */
  confirmed: number;
  /** They were not heard, and serve nothing from memory any more. */
  ended: number;
  /** What it took. */
  milliseconds: number;
}

/** What `Holdfast-In-Force` says, a dictionary of structured fields (RFC 9651); undefined where it is not there, or not whole. */
export function readInForce(header: string | null): InForce | undefined {
  const said = new Map(
    (header ?? '').split(',').map((member) => {
      const [name = '', value = ''] = member.trim().split('=');
      return [name, /^\d+$/.test(value) ? Number(value) : undefined] as const;
    }),
  );
  const [nodes, confirmed, ended, milliseconds] = ['nodes', 'confirmed', 'ended', 'milliseconds'].map(
    (name) => said.get(name),
  );
  if (nodes === undefined || confirmed === undefined || ended === undefined || milliseconds === undefined)
    return undefined;
  return { nodes, confirmed, ended, milliseconds };
}
