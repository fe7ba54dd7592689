import type { AadForm } from '../../config/profile.ts';
import { xksAadBytes } from '../host/serving-sizes.ts';
import { toProfile } from './draft-profile.ts';
import { ProbeFailure } from './probe-child.ts';
import type { Walked } from './walked.ts';

/** What the profile takes unless it says less, and the least that AWS KMS needs (XKS spec, Encrypt); bytes. */
const plaintexts = { max: 8192, min: 4300 };

/** Finds the form of the AAD and the largest plaintext. Throws ProbeFailure where AWS KMS needs more than the token takes. */
export async function findSizes(probe: Walked, key: string): Promise<void> {
  const { draft } = probe;
  const first = await whyNotSizes(probe, key, 'full', plaintexts.max);
  if (first === undefined) return tell(probe, 'full', plaintexts.max);
  const max = await probe.ask('maxData', { profile: toProfile(draft), key });
  const limits = `a plaintext of ${max.plaintext} and AAD of ${max.aad} bytes at the most`;
  const largest = Math.min(plaintexts.max, max.plaintext);
  let why: ProbeFailure = first;
  for (const [form, bytes] of [
    ['sha256', plaintexts.max],
    ['full', largest],
    ['sha256', largest],
    ['full', plaintexts.min],
    ['sha256', plaintexts.min],
  ] as const) {
    if (bytes < plaintexts.min) continue;
    const failed = await whyNotSizes(probe, key, form, bytes);
    if (failed === undefined) return tell(probe, form, bytes, limits);
    why = failed;
  }
  throw new ProbeFailure('refused', {
    ...why.told,
    problem: `${why.told.problem}; the token takes ${limits}`,
  });
}

async function whyNotSizes(
  probe: Walked,
  key: string,
  aadForm: AadForm,
  plaintextBytes: number,
): Promise<ProbeFailure | undefined> {
  const profile = toProfile({ ...probe.draft, aadForm, plaintextBytes });
  try {
    await probe.ask('data', { profile, key });
    return undefined;
  } catch (error) {
    if (!(error instanceof ProbeFailure) || error.how !== 'refused') throw error;
    return error;
  }
}

function tell(probe: Walked, form: AadForm, bytes: number, limits?: string): void {
  const { draft } = probe;
  draft.aadForm = form;
  draft.plaintextBytes = bytes;
  const aad =
    form === 'full'
      ? `AAD of ${xksAadBytes} bytes as it is`
      : 'the hash of the AAD, which is too long as it is';
  const found = `a plaintext of ${bytes} bytes and ${aad}`;
  draft.seen['aad.form'] = limits === undefined ? `${found}: taken and authenticated` : `taken: ${limits}`;
  draft.seen['limits.plaintext_bytes'] =
    `${found}: encrypted, decrypted, and AAD that was altered in its last byte refused`;
  probe.tell(
    'data',
    limits === undefined ? 'ok' : 'note',
    limits === undefined ? found : `${found} (${limits})`,
  );
}
