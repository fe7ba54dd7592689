import type { KeyStoreProperties } from '../aws/key-stores.ts';
import { readProblem, type Problem } from '../controller/problem.ts';
import type { ExternalKeyStore, StoreChange } from './records.ts';

/*
 * What is asked of AWS for an external key store is written down before AWS is asked, so that whoever comes later can
 * finish it: the request itself, its repetition, or the watch after a kill.
 */

export interface WantedDetails {
  /** Connect it afterwards: with DELETE where AWS refuses. */
  connect?: boolean;
  /** With UPDATE and DELETE: disconnect it first where it is not. */
  disconnect?: boolean;
  /** With DELETE: that it be disconnected was asked for before, and stays wanted where AWS refuses. */
  down?: boolean;
  /** With CREATE: access key ids of which AWS may have been given one. By these a key store that was made is known. */
  tried?: string[];
  /** With CREATE: when AWS said that another has the name or the path, while an earlier try may have made it. */
  inUseSince?: string;
  /** With UPDATE: what AWS is to have otherwise. */
  change?: Partial<KeyStoreProperties>;
  /** With UPDATE: something was changed shortly before, so that what AWS shows may be older than that. */
  unsettled?: boolean;
  /** With UPDATE: give AWS a new XKS credential, and retire the old one after so many quiet minutes. */
  credential?: { quietMinutes: number };
  /** With CONNECT: AWS was asked to connect it, so that FAILED is the outcome and not what was before. */
  sent?: boolean;
  /** With CONNECT: it follows what AWS refused, which stays told. */
  afterRefusal?: boolean;
}

export function readDetails(row: { wanted_details: string | null }): WantedDetails {
  return row.wanted_details === null ? {} : (JSON.parse(row.wanted_details) as WantedDetails);
}

export function writeDetails(details: WantedDetails): string | null {
  return Object.keys(details).length === 0 ? null : JSON.stringify(details);
}

/**
 * Whether it is to be connected in the end, whatever is asked for besides: that is wanted already, or what is asked for
 * now `disconnects` it while it is up. Who had it disconnected is not to find it connected since somebody asked for more.
 */
export function isToBeConnected(
  row: Pick<ExternalKeyStore, 'wanted' | 'wanted_details' | 'state'>,
  disconnects: boolean,
): boolean {
  if (row.wanted === 'CONNECT' || readDetails(row).connect === true) return true;
  const isUp = row.state === 'CONNECTED' || row.state === 'CONNECTING';
  return disconnects && isUp && !isToBeDown(row);
}

/** Whether somebody had it disconnected for its own sake, and AWS is being asked still. */
export function isToBeDown(row: Pick<ExternalKeyStore, 'wanted' | 'wanted_details'>): boolean {
  return row.wanted === 'DISCONNECT' || readDetails(row).down === true;
}

/** What is wanted once AWS has refused for good: what was disconnected for it is connected again; what was asked for before stays. */
export function wantedInstead(row: ExternalKeyStore): Pick<StoreChange, 'wanted' | 'wanted_details'> {
  const { down, connect } = readDetails(row);
  if (down === true)
    return { wanted: row.state === 'DISCONNECTED' ? null : 'DISCONNECT', wanted_details: null };
  const isDown = ['DISCONNECTED', 'DISCONNECTING', 'FAILED'].includes(row.state);
  return isDown && connect === true
    ? { wanted: 'CONNECT', wanted_details: writeDetails({ afterRefusal: true }) }
    : { wanted: null, wanted_details: null };
}

/** Why the last act, or the last look, failed. */
export function problemOfStore({ problem }: Pick<ExternalKeyStore, 'problem'>): Problem | null {
  return readProblem(problem);
}

/** The look itself failed: what state it is in is not known. */
export const lookOperation = 'DescribeCustomKeyStores';
