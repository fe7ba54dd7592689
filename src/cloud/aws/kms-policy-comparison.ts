/*
 * Whether two key policies say the same. AWS gives back what it was given, but consoles and tools write the same policy
 * in other orders and forms, and AWS itself writes the unique id of a principal that was deleted in place of its ARN.
 */

/** How a policy in AWS differs from ours. */
export interface PolicyComparison {
  same: boolean;
  /** Sids, or the place where there is none, of statements that only one of them has. */
  onlyOurs: string[];
  onlyAws: string[];
  /** Unique ids (AIDA… user, AROA… role) in AWS's: who was named there is deleted in IAM. */
  deletedPrincipals: string[];
  /** AWS's allows something to everyone, of whatever account, without a condition. */
  opensToAll: boolean;
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Compares two policies, each JSON text. What is no JSON is equal to itself alone. */
export function comparePolicies(ours: string, aws: string): PolicyComparison {
  const a = statementsOf(ours);
  const b = statementsOf(aws);
  if (a === undefined || b === undefined)
    return { same: ours === aws, onlyOurs: [], onlyAws: [], deletedPrincipals: [], opensToAll: false };
  const onlyOurs = [...a].filter(([form]) => !b.has(form)).map(([, name]) => name);
  const onlyAws = [...b].filter(([form]) => !a.has(form)).map(([, name]) => name);
  return {
    same: onlyOurs.length === 0 && onlyAws.length === 0,
    onlyOurs,
    onlyAws,
    deletedPrincipals: deletedPrincipals(aws),
    opensToAll: [...b.keys()].some(isOpenToAll),
  };
}

/** IAM User Guide, "IAM identifiers": unique ids of users, roles and groups. */
function deletedPrincipals(policy: string): string[] {
  return [...new Set(policy.match(/(?<=")(?:AIDA|AROA|AGPA)[A-Z0-9]{12,28}(?=")/g) ?? [])].toSorted();
}

function isOpenToAll(form: string): boolean {
  const [, statement] = JSON.parse(form) as [Json, Json];
  if (!isRecord(statement) || statement['Effect'] !== 'Allow' || statement['Condition'] !== undefined)
    return false;
  const principal = statement['Principal'];
  const accounts = principal !== undefined && isRecord(principal) ? principal['AWS'] : undefined;
  return Array.isArray(accounts) && accounts.includes('*');
}

/** Statements in one form, each with its name; the same statement twice is one. Undefined where it is no policy. */
function statementsOf(policy: string): Map<string, string> | undefined {
  let parsed: Json;
  try {
    parsed = JSON.parse(policy) as Json;
  } catch {
    return undefined;
  }
  if (!isRecord(parsed)) return undefined;
  // The version decides what variables mean, for each statement; a policy without one has the older.
  const version = parsed['Version'] ?? '2008-10-17';
  const statements = toList(parsed['Statement'] ?? []);
  return new Map(
    statements.map((statement, index) => [
      JSON.stringify([version, canonicalStatement(statement)]),
      nameOf(statement, index),
    ]),
  );
}

function nameOf(statement: Json, index: number): string {
  const sid = isRecord(statement) ? statement['Sid'] : undefined;
  return typeof sid === 'string' && sid !== '' ? sid : `statement ${index + 1}`;
}

function canonicalStatement(statement: Json): Json {
  if (!isRecord(statement)) return statement;
  const form: Record<string, Json> = {};
  for (const [name, value] of Object.entries(statement)) {
    switch (name) {
      case 'Sid':
        break;
      case 'Principal':
      case 'NotPrincipal':
        form[name] = canonicalPrincipal(value);
        break;
      case 'Action':
      case 'NotAction':
        // Names of actions know no case (IAM User Guide, "Action").
        form[name] = toSet(value, (text) => text.toLowerCase());
        break;
      case 'Condition': {
        const condition = canonicalCondition(value);
        if (Object.keys(condition).length > 0) form[name] = condition;
        break;
      }
      default:
        form[name] = name === 'Effect' ? value : toSet(value);
    }
  }
  return inOrder(form);
}

/** `"*"` is everyone, as `{"AWS": "*"}` is; an account is its root, by ARN or by its digits ("AWS account principals"). */
function canonicalPrincipal(principal: Json): Json {
  const byKind = isRecord(principal) ? principal : { AWS: principal };
  return inOrder(
    Object.fromEntries(
      Object.entries(byKind).map(([kind, value]) => [kind, toSet(value, kind === 'AWS' ? account : same)]),
    ),
  );
}

function account(principal: string): string {
  return /^arn:[a-z-]+:iam::([0-9]{12}):root$/.exec(principal)?.[1] ?? principal;
}

/** Keys know no case (IAM User Guide, "Condition"); true is "true". */
function canonicalCondition(condition: Json): Record<string, Json> {
  if (!isRecord(condition)) return { '': condition };
  const blocks = Object.entries(condition).map(([operator, block]) => {
    const isTruth = /^(?:For(?:All|Any)Values:)?(?:Bool(?:IfExists)?|Null)$/.test(operator);
    const keys = isRecord(block) ? Object.entries(block) : [['', block] as const];
    const byKey = keys.map(
      ([key, value]) =>
        [key.toLowerCase(), toSet(value, isTruth ? (text) => text.toLowerCase() : same)] as const,
    );
    return [operator, inOrder(Object.fromEntries(byKey))] as const;
  });
  return inOrder(Object.fromEntries(blocks.filter(([, block]) => Object.keys(block).length > 0)));
}

/** One value or several, in whatever order, none twice. */
function toSet(value: Json, form: (text: string) => string = same): Json[] {
  const texts = toList(value).map((one) => (isScalar(one) ? form(String(one)) : JSON.stringify(one)));
  return [...new Set(texts)].toSorted();
}

function toList(value: Json): Json[] {
  return Array.isArray(value) ? value : [value];
}

function inOrder(record: Record<string, Json>): Record<string, Json> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function same(text: string): string {
  return text;
}

function isScalar(value: Json): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function isRecord(value: Json): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
