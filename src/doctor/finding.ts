import { catalogue, groups, type CheckId, type ConnectionErrorCode, type Group } from './catalogue.ts';

export const levels = ['OK', 'WARNING', 'PROBLEM', 'SKIPPED'] as const;
export type Level = (typeof levels)[number];

/** Numbers and names that a finding was made from, for programs. Never a secret. */
export type FindingData = Readonly<
  Record<string, string | number | boolean | null | readonly (string | number)[]>
>;

/** What one check found. The order of fields is that of the JSON report. */
export interface Finding {
  id: CheckId;
  group: Group;
  level: Level;
  title: string;
  /** The external key id, token or file that it is about, where there are several. */
  subject: string | null;
  seen: string;
  why: string;
  /** What to do; null where nothing is to be done. */
  remediation: string | null;
  /** Of a PROBLEM: what AWS KMS says when it meets it. */
  connectionErrorCode: ConnectionErrorCode | null;
  data: FindingData;
}

interface More {
  subject?: string | undefined;
  data?: FindingData;
  /** Where it is not the check's own. */
  code?: ConnectionErrorCode | undefined;
}

export function ok(id: CheckId, seen: string, more: More = {}): Finding {
  return finding(id, 'OK', seen, null, more);
}

export function warning(id: CheckId, seen: string, remediation: string, more: More = {}): Finding {
  return finding(id, 'WARNING', seen, remediation, more);
}

export function problem(id: CheckId, seen: string, remediation: string, more: More = {}): Finding {
  return finding(id, 'PROBLEM', seen, remediation, more);
}

/** `seen` says why it was not looked at. */
export function skipped(
  id: CheckId,
  seen: string,
  remediation: string | null = null,
  more: More = {},
): Finding {
  return finding(id, 'SKIPPED', seen, remediation, more);
}

function finding(id: CheckId, level: Level, seen: string, remediation: string | null, more: More): Finding {
  const check: { title: string; why: string; code?: ConnectionErrorCode } = catalogue[id];
  return {
    id,
    group: groupOf(id),
    level,
    title: check.title,
    subject: more.subject ?? null,
    seen,
    why: check.why,
    remediation,
    connectionErrorCode: level === 'PROBLEM' ? (more.code ?? check.code ?? null) : null,
    data: more.data ?? {},
  };
}

function groupOf(id: CheckId): Group {
  const word = id.split('.', 1)[0] ?? '';
  if (!isGroup(word)) throw new Error(`the check ${id} is in no group`);
  return word;
}

function isGroup(word: string): word is Group {
  return word in groups;
}

/** Checks of these groups, in the order of the catalogue. */
export function checksOf(...wanted: Group[]): CheckId[] {
  return (Object.keys(catalogue) as CheckId[]).filter((id) => wanted.includes(groupOf(id)));
}
