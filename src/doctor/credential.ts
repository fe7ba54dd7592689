import { randomBytes } from 'node:crypto';
import type { Answer } from './exchange.ts';
import { ok, problem, skipped, warning, type Finding } from './finding.ts';
import { foreignAnswer } from './health.ts';
import type { EchoFacts } from './middlebox.ts';
import { breach, errorNameOf, told, type XksCaller } from './xks-call.ts';

const second = 1000;
const allowed = 300 * second;

/**
 * The node's clock against this machine's: what to add to this one, milliseconds, by the echo or else by a Date header.
 */
export function examineClock(byEcho: number | undefined, byDate: number | undefined): Finding {
  const remediation =
    'chronyc tracking or timedatectl on the node, and here: AWS’s clock is right, so the node’s must be (chrony or systemd-timesyncd)';
  const offset = byEcho ?? byDate;
  if (offset === undefined) return skipped('credential.clock', 'no answer told the node’s time', remediation);
  const seconds = Math.round(offset / 100) / 10;
  const data = { secondsAhead: seconds, from: byEcho === undefined ? 'Date header' : 'echo' };
  const seen =
    Math.abs(seconds) < 1
      ? 'less than a second apart'
      : `the node is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} this machine`;
  if (Math.abs(offset) > allowed) return problem('credential.clock', seen, remediation, { data });
  if (Math.abs(offset) > 30 * second) return warning('credential.clock', seen, remediation, { data });
  return ok('credential.clock', seen, { data });
}

/**
 * Whether the credential opens the key set. `clockOffset` puts the signing time right where the clocks differ too much:
 * what is wrong then is the clock. `usable` where signed requests can go on.
 */
export async function examineCredential(
  caller: XksCaller,
  { proven, rewritten, clockOffset }: Pick<EchoFacts, 'proven' | 'rewritten' | 'clockOffset'>,
): Promise<{ findings: Finding[]; usable: boolean }> {
  if (clockOffset !== undefined && Math.abs(clockOffset) > allowed / 2) caller.clockOffset = clockOffset;
  const answer = await caller.health();
  const accepted = acceptance(answer, caller, { proven, rewritten });
  const usable = answer.status === 200 && breach(answer) === undefined;
  if (!usable)
    return {
      findings: [
        accepted,
        skipped('credential.signature', 'the right signature is not accepted either'),
        skipped('credential.window', 'the right signature is not accepted'),
      ],
      usable,
    };
  return {
    findings: [accepted, await wrongSignature(caller), await window(caller, clockOffset ?? 0)],
    usable,
  };
}

function acceptance(
  answer: Answer,
  caller: XksCaller,
  { proven, rewritten }: Pick<EchoFacts, 'proven' | 'rewritten'>,
): Finding {
  const name = errorNameOf(answer);
  const { accessKeyId } = caller.credential;
  if (answer.status === 200 && breach(answer) === undefined)
    return ok(
      'credential.accepted',
      caller.clockOffset === 0 ? accessKeyId : `${accessKeyId}, signed by the node’s clock`,
    );
  if (name === 'AuthenticationFailedException')
    return proven
      ? problem(
          'credential.accepted',
          `${told(answer)}, though the secret of ${accessKeyId} is right: something in between breaks the signature`,
          'see “what stands in between”',
        )
      : problem(
          'credential.accepted',
          `${told(answer)} for ${accessKeyId}`,
          'holdfast credential list shows whether it is live; the node’s log has the reason of the 401 (docs/errors.md, Signatures); else issue a new one and give its console file to KMS',
        );
  if (name === 'InvalidUriPathException')
    return problem(
      'credential.accepted',
      rewritten
        ? `${told(answer)}, though the secret of ${accessKeyId} is right: something in between rewrites the path`
        : `${told(answer)}: there is no key store at ${caller.credential.uriPath}`,
      rewritten
        ? 'see “what stands in between”; once the path arrives as sent, ask again'
        : 'XksProxyUriPath as holdfast key-set show has it',
      { code: 'XKS_PROXY_INVALID_CONFIGURATION' },
    );
  if (name === 'AccessDeniedException')
    return problem(
      'credential.accepted',
      told(answer),
      'a rule of the proxy that stands before the key store',
      {
        code: 'XKS_PROXY_ACCESS_DENIED',
      },
    );
  return foreignAnswer('credential.accepted', answer);
}

async function wrongSignature(caller: XksCaller): Promise<Finding> {
  const answers = [await caller.health({ secret: randomBytes(32).toString('base64') })];
  const unsigned = await caller.sign(`${caller.credential.uriPath}/health`, {});
  const { authorization: _, ...headers } = unsigned.headers;
  answers.push(await caller.exchanger.send({ ...unsigned, headers }));
  // Signed, then another body.
  answers.push(await caller.exchanger.send({ ...unsigned, body: Buffer.from('{"requestMetadata":{}}') }));
  const wrong = answers.filter((answer) => errorNameOf(answer) !== 'AuthenticationFailedException');
  return wrong.length === 0
    ? ok('credential.signature', 'another secret, no signature, and another body: 401 each')
    : problem(
        'credential.signature',
        `answered ${wrong.map(told).join(', ')}`,
        'whatever answers does not check signatures: take it off the network, and find out what it is',
      );
}

/** By the node's clock, so that a small difference of the clocks is not taken for a wrong window. */
async function window(caller: XksCaller, clockOffset: number): Promise<Finding> {
  const difference = clockOffset - caller.clockOffset;
  const minute = 60 * second;
  const [within, beyond] = [4.5 * minute, 5.5 * minute];
  const statuses: string[] = [];
  for (const ahead of [-within, within]) {
    const answer = await caller.health({ ahead: ahead + difference });
    if (answer.status !== 200) statuses.push(`${ahead / minute} min: ${told(answer)}`);
  }
  for (const ahead of [-beyond, beyond]) {
    const answer = await caller.health({ ahead: ahead + difference });
    if (errorNameOf(answer) !== 'AuthenticationFailedException')
      statuses.push(`${ahead / minute} min: ${told(answer)}`);
  }
  return statuses.length === 0
    ? ok('credential.window', 'signed 4½ minutes off: served; 5½: refused')
    : warning(
        'credential.window',
        `signed ${statuses.join('; ')}`,
        'the clocks of this machine and the node: see above',
      );
}
