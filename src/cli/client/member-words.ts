import type { Schemas } from './api-types.ts';

type Told = Schemas['Token']['members'][number];
/** A node of an older version tells name and health alone. */
type Member = Pick<Told, 'name' | 'health'> & Partial<Told>;

/** One HSM of a token, for people. */
export function memberInWords(member: Member): string {
  const { failure } = member;
  const hardware = hardwareInWords(member);
  const about = hardware === '' ? '' : `; ${hardware}`;
  return `${member.name} ${stateInWords(member)}${about}${failure ? `; ${failure.remediation}` : ''}`;
}

/** What the token tells of itself; '' where nothing is known of that. */
function hardwareInWords({ label, manufacturer, model, firmware, slot }: Member): string {
  return [
    ...(isTold(manufacturer) || isTold(model) ? [`${manufacturer ?? ''} ${model ?? ''}`.trim()] : []),
    ...(isTold(firmware) ? [`firmware ${firmware}`] : []),
    ...(isTold(label) ? [`label "${label}"`] : []),
    ...(typeof slot === 'number' ? [`slot ${slot}`] : []),
  ].join(', ');
}

function isTold(text: string | null | undefined): text is string {
  return typeof text === 'string' && text !== '';
}

function stateInWords({ health, serial, onRecord, since, pinRefused, failure }: Member): string {
  const told = [
    typeof since === 'string' ? `${health} since ${since}` : health,
    ...(typeof serial === 'string' ? [`serial ${serial}`] : []),
    ...(serial === null ? ['not seen since this node was started'] : []),
    ...(typeof serial === 'string' && onRecord === false ? ['no proof of its keys on record'] : []),
    ...(pinRefused === true ? ['has refused its PIN'] : []),
  ].join(', ');
  return failure ? `${told}: ${failure.problem}` : told;
}

/** What the doctor says of members of an HSM group that are away or refuse their PIN, while the token is served by the others. */
export function verdictsOfMembers(token: string, members: readonly Member[]) {
  if (members.length < 2) return [];
  return members
    .filter(({ health, pinRefused }) => health === 'UNAVAILABLE' || pinRefused === true)
    .map((member) => ({
      name: `${token}:${member.name}`,
      ok: false,
      detail: stateInWords(member),
      remediation: member.failure?.remediation ?? `holdfast token verify ${token}`,
    }));
}
