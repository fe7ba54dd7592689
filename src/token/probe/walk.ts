import { toProfile } from './draft-profile.ts';
import type { ProbeStep } from './findings.ts';
import { findIvMode } from './iv-walk.ts';
import { findSizes } from './size-walk.ts';
import { askKeyMaking, askNames, askSearch } from './key-walk.ts';
import { ProbeFailure } from './probe-child.ts';
import { askOthers, askSecondSession } from './process-walk.ts';
import type { Spread } from './questions.ts';
import { no, type Walked } from './walked.ts';
import { counted } from '../../counted.ts';

/** Asks everything of a token that is open. Throws ProbeFailure, told already, where it cannot go on. */
export async function walk(probe: Walked): Promise<void> {
  await step(probe, 'sessions', async () => askSessions(probe));
  await must(probe, 'mechanisms', async () => askMechanisms(probe));
  await step(probe, 'left-overs', async () => cleanBefore(probe));
  await must(probe, 'key-making', async () => askKeyMaking(probe));
  await step(probe, 'names', async () => askNames(probe));
  const key = await must(
    probe,
    'key-making',
    async () => (await probe.ask('keep', { profile: toProfile(probe.draft) })).id,
  );
  await step(probe, 'search', async () => askSearch(probe, key));
  await must(probe, 'iv-mode', async () => findIvMode(probe, key));
  await step(probe, 'tag', async () => {
    const { said } = await probe.ask('tag', { profile: toProfile(probe.draft), key });
    probe.tell('tag', 'ok', `altered ciphertext is refused: ${said}`);
  });
  await step(probe, 'data', async () => findSizes(probe, key));
  await step(probe, 'second-session', async () => askSecondSession(probe, key));
  await step(probe, 'destruction', async () => askOthers(probe, key));
  await step(probe, 'latency', async () => askLatency(probe, key));
  await step(probe, 'whole', async () => {
    await probe.ask('whole', { profile: toProfile(probe.draft) });
    probe.tell('whole', 'ok', 'with this profile a key was made, encrypted, decrypted and was destroyed');
  });
}

/** One that is refused keeps Holdfast from serving, and the others are asked all the same. */
async function step(probe: Walked, name: ProbeStep, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof ProbeFailure)) throw error;
    probe.tell(name, 'no', error.told.problem, error.told.remediation);
    // What hangs, or crashes, here does so again.
    if (error.how !== 'refused') throw error;
  }
}

/** Without it there is nothing more to ask. */
async function must<T>(probe: Walked, name: ProbeStep, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ProbeFailure) probe.tell(name, 'no', error.told.problem, error.told.remediation);
    throw error;
  }
}

/** Each host has an anchor and a working session; one more host is of the management process (2), and `verify` takes 2. */
function sessionsOf(hosts: number): number {
  return 2 * (hosts + 1) + 2;
}

async function askSessions(probe: Walked): Promise<void> {
  const { max, open } = probe.facts?.sessions ?? {};
  const { opened, stoppedBy } = await probe.ask('sessions', { max: 2 * sessionsOf(2) });
  const said =
    max === null ? 'no limit' : max === undefined ? 'it does not tell how many' : `${max} at the most`;
  const found = `${said}, ${open ?? 'unknown'} open; ${opened} more opened${stoppedBy === undefined ? '' : `, then ${stoppedBy}`}`;
  const isShort = typeof max === 'number' && max < sessionsOf(1);
  if (isShort)
    probe.tell(
      'sessions',
      'note',
      found,
      `a node needs ${sessionsOf(1)} with one host: 2 × (hosts + 1), and 2 for token verify`,
    );
  else probe.tell('sessions', stoppedBy === undefined ? 'ok' : 'note', found);
}

async function askMechanisms(probe: Walked): Promise<void> {
  const { count, gcm, keyGeneration, ofVendor } = await probe.ask('mechanisms', {
    profile: toProfile(probe.draft),
  });
  const vendors = ofVendor.length === 0 ? '' : `; of the vendor’s own: ${ofVendor.join(', ')}`;
  if (gcm === undefined) {
    const { mechanism } = probe.draft.gcm;
    throw no(
      `the token has no ${mechanism === undefined ? 'CKM_AES_GCM (0x1087)' : `mechanism 0x${mechanism.toString(16)}`} among its ${count} mechanisms${vendors}`,
      ofVendor.length === 0
        ? 'XKS needs AES-256-GCM in the token: another token or firmware, a policy or licence that allows it; p11-kit’s client and server drop it before version 0.25'
        : 'XKS needs AES-256-GCM in the token; where the vendor has a number of its own for it, give it as --gcm-mechanism',
    );
  }
  if (keyGeneration === undefined)
    throw no(
      'the token has no CKM_AES_KEY_GEN: it makes no AES keys',
      'keys are made in the token, so another token, or a policy that allows it',
    );
  const missing = ['CKF_ENCRYPT', 'CKF_DECRYPT'].filter((flag) => !gcm.flags.includes(flag));
  const words = `${count} mechanisms; AES-GCM with ${gcm.flags.join(', ') || 'no flags'}, keys of ${gcm.minKeyBytes} to ${gcm.maxKeyBytes}`;
  probe.draft.seen['gcm'] =
    `C_GetMechanismInfo: ${gcm.flags.join(', ')}, keys of ${gcm.minKeyBytes} to ${gcm.maxKeyBytes}`;
  if (missing.length > 0) probe.tell('mechanisms', 'note', `${words}: ${missing.join(', ')} not among them`);
  // Some tell bits, and some bytes.
  else if (gcm.maxKeyBytes > 0 && gcm.maxKeyBytes < 32)
    probe.tell('mechanisms', 'note', `${words}: no key of 32 bytes`);
  else probe.tell('mechanisms', 'ok', words);
}

async function cleanBefore(probe: Walked): Promise<void> {
  const { destroyed, underWay, left } = await probe.ask('cleanUp', {});
  if (underWay > 0)
    probe.tell(
      'left-overs',
      'note',
      `${counted(underWay, 'key')} of another probe of this token that may be under way`,
      'what is measured is of both; one that has ended is cleaned up by the next probe of its machine, or after ten minutes',
    );
  const found =
    destroyed === 0 ? 'none' : `${counted(destroyed, 'key')} of a probe before this one destroyed`;
  if (left.length === 0) return probe.tell('left-overs', destroyed === 0 ? 'ok' : 'note', found);
  probe.tell(
    'left-overs',
    'note',
    `${counted(left.length, 'key')} of a probe before this one cannot be destroyed: ${left[0]?.why ?? ''}`,
  );
}

/** AWS's default for a key store, requests a second; an Encrypt is an encryption and a decryption. */
const requestsPerSecond = 1_800;
/** token.sick_after_ms unless it is set. */
const sickAfterDefault = 80;
/** AWS KMS gives up after 250 ms, of which the network takes a part. */
const tooSlow = 200;

async function askLatency(probe: Walked, key: string): Promise<void> {
  const { encrypt, decrypt, create } = await probe.ask('latency', { profile: toProfile(probe.draft), key });
  const { draft } = probe;
  const busy = ((encrypt.p50 + decrypt.p50) / 1_000) * requestsPerSecond;
  const { max } = probe.facts?.sessions ?? {};
  const bySessions = typeof max === 'number' ? Math.max(1, Math.floor((max - 2) / 2) - 1) : 64;
  draft.hosts = Math.min(64, bySessions, Math.max(2, Math.ceil(busy)));
  const words = `encrypt ${told(encrypt)}, decrypt ${told(decrypt)}, create ${told(create)}`;
  draft.seen['hosts'] =
    `${words}; so many keep up with ${requestsPerSecond} Encrypts/s${bySessions < busy ? ', as far as there are sessions' : ''}`;
  const slowest = encrypt.p99 + decrypt.p99;
  if (2 * slowest > sickAfterDefault) probe.sickAfter = Math.ceil((3 * slowest) / 10) * 10;
  probe.tell(
    'latency',
    slowest > tooSlow / 2 ? 'note' : 'ok',
    `${words}; ${counted(draft.hosts, 'host')}`,
    slowest > tooSlow ? 'AWS KMS gives up after 250 ms: bring the node nearer to the HSM' : undefined,
  );
}

function told({ p50, p99, count }: Spread): string {
  return `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms (${count})`;
}
