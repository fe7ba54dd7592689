import { CKR } from '../faults.ts';
import { toProfile } from './draft-profile.ts';
import { ProbeFailure, type ProbeChild } from './probe-child.ts';
import { no, type Walked } from './walked.ts';
import { counted } from '../../counted.ts';

export async function askSecondSession(probe: Walked, id: string): Promise<void> {
  const { found } = await probe.ask('look', { profile: toProfile(probe.draft), id });
  if (found !== 1)
    throw no('a second session does not find the key of the first', 'the module’s own log, and its vendor');
  probe.tell('second-session', 'ok', 'a new session finds the key');
}

/** Whether another process sees keys come and go, and whether a key goes at all. */
export async function askOthers(probe: Walked, witness: string): Promise<void> {
  const profile = toProfile(probe.draft);
  const other = await openOther(probe);
  try {
    const { id } = await probe.ask('keep', { profile });
    if (other !== undefined) tellSeen(probe, await other.ask('look', { profile, id }));
    const { destroyed } = await probe.ask('destroy', { profile, id, witness });
    if (destroyed !== 1)
      throw no(
        `${counted(destroyed, 'object was', 'objects were')} destroyed where there was one`,
        'the module’s own log, and its vendor',
      );
    const after = other === undefined ? undefined : await other.ask('look', { profile, id });
    if (after !== undefined && after.afterLogin > 0)
      throw no(
        'a key that was destroyed is there still for another process that logs in anew',
        'the module’s own log, and its vendor',
      );
    probe.tell(
      'destruction',
      'ok',
      `a destroyed key is gone${after === undefined ? '' : ', for another process too'}`,
    );
  } finally {
    await other?.end();
  }
}

async function openOther(probe: Walked): Promise<ProbeChild | undefined> {
  try {
    return await probe.another();
  } catch (error) {
    if (!(error instanceof ProbeFailure)) throw error;
    probe.tell(
      'second-process',
      error.told.rv === CKR.SESSION_COUNT ? 'note' : 'no',
      `a second process cannot use the token beside the first: ${error.told.problem}`,
      error.told.remediation,
    );
    return undefined;
  }
}

function tellSeen(probe: Walked, { found, afterLogin }: { found: number; afterLogin: number }): void {
  if (found > 0) return probe.tell('second-process', 'ok', 'another process finds a new key at once');
  probe.tell(
    'second-process',
    'no',
    afterLogin > 0
      ? 'another process finds a new key only once it has logged in anew'
      : 'another process does not find a new key at all',
    'every token host is a process: have the module show all of them what one has made (nShield: CKNFAST_ASSUME_SINGLE_PROCESS=0)',
  );
}
