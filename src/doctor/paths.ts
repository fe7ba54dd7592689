import { randomBytes } from 'node:crypto';
import { authorityOf } from './connection.ts';
import { prefixOf, type XksCredential } from './console-file.ts';
import type { CheckId } from './catalogue.ts';
import type { Answer, Exchanger } from './exchange.ts';
import { ok, problem, skipped, warning, type Finding } from './finding.ts';
import { foreign } from './gateway.ts';
import { breach, errorNameOf, told } from './xks-call.ts';

/** As src/http/probes.ts says it. */
const notReady = 'not ready\n';

/** What can be asked without a signature. Throws ConnectionFailure. */
export async function* examinePaths(
  exchanger: Exchanger,
  credential: XksCredential | undefined,
): AsyncGenerator<Finding> {
  const headers = { host: authorityOf(exchanger.target) };
  const json = { ...headers, 'content-type': 'application/json' };
  const root = await exchanger.send({ method: 'GET', path: '/', headers });
  yield balancer(root);
  const uriPath = credential?.uriPath ?? '/kms/xks/v1';
  const wrongMethod = await exchanger.send({ method: 'GET', path: `${uriPath}/health`, headers });
  yield wrongMethod.status === 405
    ? ok('path.method', told(wrongMethod))
    : foreignFinding(warning, 'path.method', `GET ${uriPath}/health answers`, wrongMethod);
  yield credential === undefined
    ? skipped('path.prefix', 'no console file was given', consoleFileRemediation)
    : await prefix(exchanger, credential, json);
  const nowhere = `/holdfast-doctor-${randomBytes(6).toString('hex')}/kms/xks/v1/health`;
  const body = Buffer.from('{}');
  const unknown = await exchanger.send({ method: 'POST', path: nowhere, headers: json, body });
  const broken = breach(unknown);
  yield unknown.status === 404 && errorNameOf(unknown) === 'InvalidUriPathException' && broken === undefined
    ? ok('path.unknown', told(unknown))
    : foreignFinding(problem, 'path.unknown', 'a prefix that nobody has answers', unknown, broken);
  const bare = [root, wrongMethod, unknown].filter(
    (answer) => answer.headers['strict-transport-security'] === undefined,
  );
  yield bare.length === 0
    ? ok('path.hsts', String(root.headers['strict-transport-security']))
    : warning(
        'path.hsts',
        `${bare.length} of 3 answers came without Strict-Transport-Security`,
        'something in between removes headers from answers, or answers itself',
      );
}

/** The health check that target groups and monitors have unless they are told another. */
function balancer(root: Answer): Finding {
  if (root.status === 200) return ok('path.balancer', `GET / answers 200 in ${Math.round(root.took)} ms`);
  if (root.status === 503 && root.text === notReady)
    return warning(
      'path.balancer',
      'GET / answers 503: the node is drained, or about to end; it still answers AWS KMS',
      'holdfast node list; holdfast node undrain ID once it is wanted back',
    );
  return foreignFinding(problem, 'path.balancer', 'GET / answers', root);
}

export const consoleFileRemediation = 'holdfast doctor --console-file xks-proxy-config.json';

/** An unsigned request: 401 where there is a key store at the path, 404 where there is none. */
async function prefix(
  exchanger: Exchanger,
  credential: XksCredential,
  headers: Record<string, string>,
): Promise<Finding> {
  const shown = prefixOf(credential) === '' ? 'no prefix' : prefixOf(credential);
  const path = `${credential.uriPath}/health`;
  const answer = await exchanger.send({ method: 'POST', path, headers, body: Buffer.from('{}') });
  const name = errorNameOf(answer);
  if (answer.status === 401) return ok('path.prefix', `${shown}: there is a key store`);
  if (name === 'InvalidUriPathException')
    return problem(
      'path.prefix',
      `${shown}: there is no key store at this path`,
      'XksProxyUriPath as holdfast key-set show has it, to the letter; or a proxy in between rewrites paths (see below)',
    );
  return foreignFinding(problem, 'path.prefix', `${shown}: answers`, answer);
}

function foreignFinding(
  make: typeof problem,
  id: CheckId,
  what: string,
  answer: Answer,
  broken?: string,
): Finding {
  const { seen, remediation, data } = foreign(answer);
  const more = { code: 'XKS_PROXY_INVALID_RESPONSE', data } as const;
  return make(id, `${what} ${seen}${broken === undefined ? '' : `; ${broken}`}`, remediation, more);
}
