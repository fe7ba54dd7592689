import type { IvMode } from '../../config/profile.ts';
import { toProfile, type Draft } from './draft-profile.ts';
import { ProbeFailure } from './probe-child.ts';
import { no, type Walked } from './walked.ts';

/** An IV that the token makes comes first: it is made where nobody else has a hand in it (SP 800-38D, 8.2.2). */
const modes: readonly IvMode[] = ['hsm-at-init', 'hsm-at-encrypt', 'hsm-appended', 'caller'];

/** How the parameter is given, the usual one first. */
const forms: readonly { bytes: 12 | 16; ivBits: boolean }[] = [
  { bytes: 12, ivBits: true },
  { bytes: 12, ivBits: false },
  { bytes: 16, ivBits: true },
  { bytes: 16, ivBits: false },
];

type Trial = Pick<Draft, 'iv' | 'gcm'>;

/** Finds who makes the IV: each mode is proven or refused. Throws ProbeFailure where none works. */
export async function findIvMode(probe: Walked, key: string): Promise<void> {
  const whys: string[] = [];
  for (const { bytes, ivBits } of forms) {
    const works: Trial[] = [];
    for (const mode of modes) {
      const trial: Trial = { iv: { mode, bytes }, gcm: { ...probe.draft.gcm, ivBits } };
      const why = await whyNotMode(probe, trial, key);
      if (why === undefined) works.push(trial);
      else if (whys.length < modes.length) whys.push(`${mode}: ${why}`);
    }
    const [best, ...others] = works;
    if (best === undefined) continue;
    Object.assign(probe.draft, best);
    const others_ = others.map(({ iv }) => iv.mode);
    const words = `${best.iv.mode}, ${bytes} bytes${ivBits ? '' : ', ulIvBits zero'}`;
    const also = others_.length === 0 ? '' : `; ${others_.join(', ')} works too`;
    const source = `proven: three IVs, each of which decrypts, no two alike${also}`;
    probe.draft.seen['iv.mode'] = source;
    probe.draft.seen['gcm.iv_bits'] = `the form of the parameter with which ${best.iv.mode} works`;
    probe.tell('iv-mode', 'ok', `${words}: ${source}`);
    return;
  }
  throw no(
    `no IV mode works (${whys.join('; ')})`,
    'ask the vendor how AES-GCM is called: its mechanism number (--gcm-mechanism), its parameter, and who makes the IV',
  );
}

/** A module may crash or hang in a mode that it does not know: that is an answer, too. Throws where the process is lost for good. */
async function whyNotMode(probe: Walked, trial: Trial, key: string): Promise<string | undefined> {
  try {
    await probe.ask('ivMode', { profile: toProfile({ ...probe.draft, ...trial }), key });
    return undefined;
  } catch (error) {
    if (!(error instanceof ProbeFailure) || error.told.pinRefused) throw error;
    return error.told.problem.replace(/^token ".*" does not make its IV as iv\.mode "[a-z-]+" says: /, '');
  }
}
