import type { CheckId } from './catalogue.ts';
import type { Answer } from './exchange.ts';
import { ok, problem, skipped, warning, type Finding } from './finding.ts';
import { foreign } from './gateway.ts';
import { breach, errorNameOf, told } from './xks-call.ts';

interface Health {
  xksProxyFleetSize: number;
  xksProxyVendor: string;
  xksProxyModel: string;
  ekmVendor: string;
  ekmFleetDetails: { id: string; model: string; healthStatus: string }[];
}

/** What GetHealthStatus answered. */
export function examineHealth(answer: Answer): Finding[] {
  const broken = breach(answer) ?? (answer.status === 200 ? breachOfHealth(answer.json) : undefined);
  if (broken !== undefined || answer.status !== 200)
    return [
      foreignAnswer('health.answer', answer, broken),
      skipped('health.tokens', 'no health status was answered'),
    ];
  const health = answer.json as Health;
  const { xksProxyVendor, xksProxyModel, xksProxyFleetSize, ekmFleetDetails: tokens } = health;
  const findings = [
    ok('health.answer', `${clean(xksProxyVendor)}, ${clean(xksProxyModel)}, fleet of ${xksProxyFleetSize}`, {
      data: { model: clean(xksProxyModel), fleetSize: xksProxyFleetSize },
    }),
  ];
  const allDown = tokens.every(({ healthStatus }) => healthStatus === 'UNAVAILABLE');
  for (const { id, model, healthStatus } of tokens) {
    const [subject, seen] = [clean(id), `${healthStatus}, ${clean(model)}`];
    const remediation =
      'holdfast token verify on the node; the log lines of its token hosts; the vendor’s log (docs/troubleshooting.md, By log line)';
    const data = { healthStatus };
    if (healthStatus === 'ACTIVE') findings.push(ok('health.tokens', seen, { subject, data }));
    else if (healthStatus === 'DEGRADED')
      findings.push(warning('health.tokens', seen, remediation, { subject, data }));
    else
      findings.push(
        problem('health.tokens', seen, remediation, {
          subject,
          data,
          // With another token there AWS connects all the same; keys on this one fail.
          code: allDown ? 'XKS_PROXY_NOT_REACHABLE' : undefined,
        }),
      );
  }
  return findings;
}

/** An error, or an answer of something else, where 200 was wanted. */
export function foreignAnswer(
  id: CheckId,
  answer: Answer,
  broken = breach(answer),
  subject?: string,
): Finding {
  if (broken !== undefined) {
    const { seen, remediation, data } = foreign(answer);
    return problem(id, `${seen}: ${broken}`, remediation, {
      code: 'XKS_PROXY_INVALID_RESPONSE',
      subject,
      data,
    });
  }
  const name = errorNameOf(answer) ?? '';
  const [remediation, code] = remediations[name] ?? [
    'docs/errors.md has the error; the node’s log has its cause',
  ];
  return problem(id, told(answer), remediation, { code, subject });
}

const slow = 'the token is too slow or gone: holdfast token verify; load; token.hosts';
const remediations: Record<
  string,
  [
    remediation: string,
    code?:
      | 'XKS_PROXY_INVALID_RESPONSE'
      | 'XKS_PROXY_TIMED_OUT'
      | 'XKS_PROXY_ACCESS_DENIED'
      | 'INVALID_CREDENTIALS',
  ]
> = {
  DependencyTimeoutException: [slow, 'XKS_PROXY_TIMED_OUT'],
  // As CreateCustomKeyStore has it: XksProxyInvalidResponseException (XKS spec, Error codes).
  InternalException: [
    'the token or the node failed: the log line of this request has fault and call',
    'XKS_PROXY_INVALID_RESPONSE',
  ],
  ThrottlingException: ['the quota of key or key set is used up, or more comes in than the token answers'],
  AccessDeniedException: [
    'a policy denies it: AWS’s caller or service is not allowed',
    'XKS_PROXY_ACCESS_DENIED',
  ],
  KeyNotFoundException: [
    'the external key id as holdfast cloud-key list has it, and the credential of its own key set',
  ],
  InvalidStateException: [
    'holdfast cloud-key show tells the state: disabled, expired, pending deletion, or its key set is frozen',
  ],
  InvalidKeyUsageException: ['the key is for encryption or for decryption alone; KMS wants both'],
  AuthenticationFailedException: ['see the credential above', 'INVALID_CREDENTIALS'],
};

function breachOfHealth(json: unknown): string | undefined {
  const { xksProxyFleetSize, xksProxyVendor, xksProxyModel, ekmVendor, ekmFleetDetails } =
    json as Partial<Health>;
  if (!Number.isInteger(xksProxyFleetSize) || (xksProxyFleetSize ?? 0) < 1)
    return 'xksProxyFleetSize is not a positive number';
  if (![xksProxyVendor, xksProxyModel, ekmVendor].every((text) => typeof text === 'string' && text !== ''))
    return 'a vendor or model is missing';
  if (!Array.isArray(ekmFleetDetails) || ekmFleetDetails.length < 1 || ekmFleetDetails.length > 10)
    return 'ekmFleetDetails does not have one to ten entries';
  const fine = ekmFleetDetails.every(
    (one) =>
      typeof one?.id === 'string' &&
      typeof one.model === 'string' &&
      ['ACTIVE', 'DEGRADED', 'UNAVAILABLE'].includes(one.healthStatus),
  );
  return fine ? undefined : 'an entry of ekmFleetDetails has no id, model or known healthStatus';
}

/** What the proxy wrote, for a terminal. */
function clean(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 100);
}
