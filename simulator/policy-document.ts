import { parseOperator, type Condition } from './policy-conditions.ts';

export interface PolicyDocument {
  readonly statements: readonly Statement[];
}

export interface Statement {
  readonly sid?: string;
  readonly effect: 'Allow' | 'Deny';
  /** Of resource policies only. */
  readonly principals?: {
    readonly not: boolean;
    readonly names: readonly { readonly type: string; readonly value: string }[];
  };
  readonly actions: Patterns;
  /** Trust policies have none. */
  readonly resources?: Patterns;
  readonly conditions: readonly Condition[];
}

export interface Patterns {
  /** NotAction, NotResource. */
  readonly not: boolean;
  readonly patterns: readonly string[];
}

/** The document is not one that AWS would store (MalformedPolicyDocument, MalformedPolicyDocumentException). */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
}

/** Identity policies have no principals; key policies and trust policies must; trust policies have no resources. */
export type PolicyKind = 'identity' | 'resource' | 'trust';

type Json = Readonly<Record<string, unknown>>;

const MEMBERS = new Set(
  'Sid Effect Principal NotPrincipal Action NotAction Resource NotResource Condition'.split(' '),
);

/** Reads a policy; throws `PolicyError`. Nothing in it is skipped: what is not understood is refused. */
export function parsePolicy(text: string, kind: PolicyKind): PolicyDocument {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new PolicyError('The policy is not valid JSON');
  }
  if (!isObject(document)) throw new PolicyError('The policy must be a JSON object');
  for (const name of Object.keys(document))
    if (!['Version', 'Id', 'Statement'].includes(name))
      throw new PolicyError('The policy has a member besides Version, Id and Statement');
  const version = document['Version'] ?? '2008-10-17';
  if (version !== '2012-10-17' && version !== '2008-10-17')
    throw new PolicyError('Version must be 2012-10-17 or 2008-10-17');
  const statements = document['Statement'];
  const list = Array.isArray(statements) ? (statements as unknown[]) : [statements];
  if (list.length === 0) throw new PolicyError('The policy has no Statement');
  const parsed = list.map((statement) => parseStatement(statement, kind));
  const sids = parsed.map((statement) => statement.sid).filter((sid) => sid !== undefined);
  if (new Set(sids).size !== sids.length) throw new PolicyError('Two statements have the same Sid');
  return { statements: parsed };
}

function parseStatement(statement: unknown, kind: PolicyKind): Statement {
  if (!isObject(statement)) throw new PolicyError('A Statement must be a JSON object');
  for (const name of Object.keys(statement))
    if (!MEMBERS.has(name)) throw new PolicyError('A Statement has a member that policies do not have');
  const { Sid: sid, Effect: effect } = statement;
  if (effect !== 'Allow' && effect !== 'Deny') throw new PolicyError('Effect must be Allow or Deny');
  if (sid !== undefined && typeof sid !== 'string') throw new PolicyError('Sid must be a string');
  const principals = parsePrincipals(statement, kind);
  const resources = parsePatterns(statement, 'Resource', kind === 'trust' ? 'forbidden' : 'needed');
  const actions = parsePatterns(statement, 'Action', 'needed');
  if (actions === undefined) throw new PolicyError('A Statement needs Action or NotAction');
  if (
    actions.patterns.some((pattern) => pattern !== '*' && !/^[A-Za-z0-9*?-]+:[A-Za-z0-9*?]+$/.test(pattern))
  )
    throw new PolicyError('Actions must have the form service:Action');
  return {
    ...(sid === undefined ? {} : { sid }),
    effect,
    ...(principals === undefined ? {} : { principals }),
    actions,
    ...(resources === undefined ? {} : { resources }),
    conditions: parseConditions(statement['Condition']),
  };
}

function parsePatterns(
  statement: Json,
  name: 'Action' | 'Resource',
  rule: 'needed' | 'forbidden',
): Patterns | undefined {
  const [given, not] = [statement[name], statement[`Not${name}`]];
  if (given !== undefined && not !== undefined)
    throw new PolicyError(`A Statement has both ${name} and Not${name}`);
  if (given === undefined && not === undefined) {
    if (rule === 'needed') throw new PolicyError(`A Statement needs ${name} or Not${name}`);
    return undefined;
  }
  if (rule === 'forbidden') throw new PolicyError(`A trust policy has no ${name}`);
  const patterns = strings(given ?? not, name);
  if (name === 'Resource' && patterns.some((pattern) => pattern !== '*' && !/^(arn:|\*|\?|\$)/.test(pattern)))
    throw new PolicyError('A Resource must be an ARN or *');
  return { not: not !== undefined, patterns };
}

function parsePrincipals(statement: Json, kind: PolicyKind): Statement['principals'] {
  const [given, not] = [statement['Principal'], statement['NotPrincipal']];
  if (given === undefined && not === undefined) {
    if (kind !== 'identity') throw new PolicyError('A Statement needs Principal or NotPrincipal');
    return undefined;
  }
  if (kind === 'identity') throw new PolicyError('An identity policy has no Principal');
  if (given !== undefined && not !== undefined)
    throw new PolicyError('A Statement has both Principal and NotPrincipal');
  const value = given ?? not;
  if (value === '*') return { not: not !== undefined, names: [{ type: 'AWS', value: '*' }] };
  if (!isObject(value)) throw new PolicyError('Principal must be * or an object');
  const names = Object.entries(value).flatMap(([type, list]) => {
    if (!['AWS', 'Service', 'Federated', 'CanonicalUser'].includes(type))
      throw new PolicyError('A Principal is AWS, Service, Federated or CanonicalUser');
    return strings(list, 'Principal').map((one) => ({ type, value: one }));
  });
  if (names.some(({ type, value }) => type === 'AWS' && !AWS_PRINCIPAL.test(value)))
    throw new PolicyError('An AWS Principal is an ARN of IAM or STS, an account id or *');
  if (names.length === 0) throw new PolicyError('Principal names nobody');
  return { not: not !== undefined, names };
}

/** Also the unique id that AWS puts in place of a principal that is gone. */
const AWS_PRINCIPAL =
  /^(\*|\d{12}|A(?:IDA|ROA)[A-Z0-9]{8,}|arn:(aws|aws-cn|aws-us-gov|aws-eusc):(iam|sts)::\d{12}:[A-Za-z0-9+=,.@_/:-]+)$/;

function parseConditions(block: unknown): Condition[] {
  if (block === undefined) return [];
  if (!isObject(block)) throw new PolicyError('Condition must be an object');
  return Object.entries(block).flatMap(([text, keys]) => {
    const operator = parseOperator(text);
    if (operator === undefined)
      throw new PolicyError(
        `Condition has the operator ${printable(text)}, which neither AWS nor the simulator knows`,
      );
    if (!isObject(keys)) throw new PolicyError('A condition operator must have an object of keys');
    return Object.entries(keys).map(([key, value]) => ({
      operator,
      key,
      values: strings(value, 'Condition', true),
    }));
  });
}

function strings(value: unknown, name: string, scalars = false): string[] {
  const list = Array.isArray(value) ? (value as unknown[]) : [value];
  if (list.length === 0 && !scalars) throw new PolicyError(`${name} is empty`);
  return list.map((item) => {
    if (typeof item === 'string' && item !== '') return item;
    if (typeof item === 'string' && scalars) return item;
    if (scalars && (typeof item === 'boolean' || typeof item === 'number')) return String(item);
    throw new PolicyError(`${name} must be a string or a list of strings`);
  });
}

function printable(text: string): string {
  return /^[A-Za-z:]{1,64}$/.test(text) ? text : 'of a form that none has';
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
