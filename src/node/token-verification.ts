import type { TokenReport } from '../admin/services.ts';
import type { LoadedMember } from '../config/load.ts';
import type { HostSettings, LoginGate } from '../token/keeper/host-keeper.ts';
import { verifyConnection, type CheckPin } from '../token/keeper/verification.ts';

/** Under way, by the gate that its token's hosts share. */
const underWay = new WeakMap<LoginGate, Promise<TokenReport>>();

/**
 * Tries a PKCS#11 token with one more host, for an operator. Runs where PINs are: in the supervisor. Whoever asks while it is
 * tried already gets the same report, so that no number of requests takes more than one session of the token's.
 */
export async function verifyToken(
  member: LoadedMember,
  settings: HostSettings,
  gate: LoginGate,
  check?: CheckPin,
): Promise<TokenReport> {
  const already = underWay.get(gate);
  if (already !== undefined) return already;
  const report = verifyConnection({ ...settings, token: member.title }, gate, check).finally(() =>
    underWay.delete(gate),
  );
  underWay.set(gate, report);
  return report;
}
