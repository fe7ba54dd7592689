import { copyFile, mkdir } from 'node:fs/promises';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import {
  CreateCustomKeyStoreCommand,
  UpdateCustomKeyStoreCommand,
  type KMSClient,
} from '@aws-sdk/client-kms';
import test from 'ava';
import { connectionErrors } from '../../src/cloud/aws/connection-errors.ts';
import type { CheckId, ConnectionErrorCode } from '../../src/doctor/catalogue.ts';
import { parseConsoleFile } from '../../src/doctor/console-file.ts';
import type { DoctorOptions } from '../../src/doctor/options.ts';
import { findingsUntil, found } from '../doctor/findings.ts';
import { Middlebox, type MiddleboxOptions } from '../doctor/middlebox.ts';
import { TestCa } from '../../testing/certificates.ts';
import { Story } from './stage.ts';
import { endpoint, hostName, type StoryVault } from './story-vault.ts';

/*
 * Every connection error code of the developer guide, provoked for real: what AWS says, what the page of the external key
 * store says, and which finding of the doctor is about the same. Where the node itself cannot be brought to it, something
 * stands between it and AWS that does it, as it would out there.
 */

const region = 'eu-central-1';
const vpcHost = 'private.example.test';
const vpcService = `com.amazonaws.vpce.${region}.vpce-svc-0123456789abcdef0`;

let story: Story;
let vault: StoryVault;
let kms: KMSClient;
let keySet: string;
/** Made by hand in AWS and linked, so that the doctor has its credential too. */
let store: { path: string; id: string };
let vpcStore: string;
let consoleFile: ConsoleFile;
let nameServer: string;

interface ConsoleFile {
  XksProxyUriPath: string;
  XksProxyAuthenticationCredential: { AccessKeyId: string; RawSecretAccessKey: string };
}

const dns = createSocket('udp4');

test.before(async () => {
  story = await Story.open();
  const account = story.simulator.account('111122223333');
  kms = story.kms(account);
  vault = await story.vault('errors');
  keySet = (await vault.keySet('errors', (await vault.cspAccount('aws', account)).id)).id;
  const path = `/key-sets/${keySet}/external-key-stores`;
  consoleFile = await issue();
  const { CustomKeyStoreId = '' } = await kms.send(
    new CreateCustomKeyStoreCommand({
      CustomKeyStoreName: 'by hand',
      CustomKeyStoreType: 'EXTERNAL_KEY_STORE',
      XksProxyConnectivity: 'PUBLIC_ENDPOINT',
      XksProxyUriEndpoint: endpoint,
      ...consoleFile,
    }),
  );
  const linked = await vault.make(`${path}/link`, { region, customKeyStoreId: CustomKeyStoreId });
  store = { path: `${path}/${linked.id}`, id: CustomKeyStoreId };
  story.resolve[vpcHost] = `127.0.0.1:${story.node.port}`;
  // A name server that knows no domain at all.
  dns.on('message', (question, { port, address }) => {
    const answer = Buffer.from(question);
    answer.writeUInt16BE(0x8183, 2);
    dns.send(answer, port, address);
  });
  dns.bind(0, '127.0.0.1');
  await once(dns, 'listening');
  nameServer = `127.0.0.1:${dns.address().port}`;
});
test.after.always(async () => {
  dns.close();
  await story?.dispose();
});

async function issue(): Promise<ConsoleFile> {
  return (await vault.make(`/key-sets/${keySet}/credentials`, {})).consoleFile as ConsoleFile;
}

type Undo = () => void | Promise<void>;

interface Row {
  what: string;
  code: ConnectionErrorCode;
  /** Brings it about; what it gives puts it right again. */
  provoke: () => Promise<Undo>;
  /** The finding of the doctor that is about it, and what it has seen. */
  finding: CheckId;
  seen: RegExp;
  doctor?: Partial<DoctorOptions>;
  /** During the diagnosis alone. */
  whileDiagnosed?: () => Undo;
}

/** AWS finds this port under the proxy's name; so does the doctor. */
function leadTo(port: number): Undo {
  const before = story.resolve[hostName] ?? '';
  story.resolve[hostName] = `127.0.0.1:${port}`;
  story.simulator.kms.dropConnections();
  return () => {
    story.resolve[hostName] = before;
    story.simulator.kms.dropConnections();
  };
}

async function between(options: Omit<MiddleboxOptions, 'tls' | 'node'>, tls = story.node.tls): Promise<Undo> {
  const box = await Middlebox.start({ tls, node: story.node.port, ...options });
  const back = leadTo(box.port);
  return async () => {
    await back();
    box.close();
  };
}

const isHealth = (url: string | undefined, method: string | undefined) =>
  method === 'POST' && url?.endsWith('/kms/xks/v1/health') === true;

/** The node takes another certificate into use, as it does by itself when the file changes. */
async function serveWith(files: { certificate: string; key: string }): Promise<void> {
  const { node } = story;
  await copyFile(files.certificate, node.tls.certificate);
  await copyFile(files.key, node.tls.key);
  const before = loads();
  node.signal('SIGHUP');
  await node.waitForLog(() => loads() > before);
  story.simulator.kms.dropConnections();
}

/** Half a change is not taken into use, so that the next one is of both files. */
function loads(): number {
  const { log } = story.node;
  return log.filter(({ msg, process }) => msg === 'TLS certificate loaded' && process === 'xks-worker')
    .length;
}

const rows: Row[] = [
  {
    what: 'the credential is withdrawn',
    code: 'INVALID_CREDENTIALS',
    provoke: async () => {
      const { AccessKeyId } = consoleFile.XksProxyAuthenticationCredential;
      await vault.act('DELETE', `/key-sets/${keySet}/credentials/${AccessKeyId}`);
      return async () => {
        consoleFile = await issue();
        const { XksProxyAuthenticationCredential } = consoleFile;
        await kms.send(
          new UpdateCustomKeyStoreCommand({ CustomKeyStoreId: store.id, XksProxyAuthenticationCredential }),
        );
      };
    },
    finding: 'credential.accepted',
    seen: /401 AuthenticationFailedException/,
  },
  {
    what: 'the clock of the node is six minutes off',
    code: 'INVALID_CREDENTIALS',
    provoke: async () => {
      story.simulator.kms.shiftSigningClock(6 * 60_000);
      return () => story.simulator.kms.shiftSigningClock(0);
    },
    // The doctor's machine has AWS's time.
    whileDiagnosed: () => {
      const { now } = Date;
      Date.now = () => now() + 6 * 60_000;
      return () => {
        Date.now = now;
      };
    },
    finding: 'credential.clock',
    // By half of the time there and back, of which a busy machine may spend all on one way.
    seen: /the node is (?:35[5-9]|36[0-5])(?:\.\d)? s behind this machine/,
  },
  {
    what: 'a load balancer writes another Host',
    code: 'INVALID_CREDENTIALS',
    provoke: async () =>
      between({
        alter: ({ headers }) => {
          headers['host'] = 'holdfast.internal';
        },
      }),
    finding: 'middlebox.headers',
    seen: /host changed \(holdfast\.internal\)/,
  },
  {
    what: 'a firewall cuts connections',
    code: 'NETWORK_ERRORS',
    provoke: async () =>
      between({
        answer: ({ url, method, socket }) => {
          if (isHealth(url, method)) socket.destroy();
          return isHealth(url, method);
        },
      }),
    finding: 'credential.accepted',
    seen: /the connection ended/,
  },
  {
    what: 'a firewall in front denies with 403',
    code: 'XKS_PROXY_ACCESS_DENIED',
    provoke: async () =>
      between({
        revise: (answer) =>
          Object.assign(answer, { status: 403, body: { errorName: 'AccessDeniedException' } }),
      }),
    finding: 'credential.accepted',
    seen: /403 AccessDeniedException/,
  },
  {
    what: 'the key set is no external key store any more',
    code: 'XKS_PROXY_INVALID_CONFIGURATION',
    provoke: async () => {
      await vault.act('PATCH', `/key-sets/${keySet}`, { externalKeyStore: false });
      return async () => vault.act('PATCH', `/key-sets/${keySet}`, { externalKeyStore: true });
    },
    finding: 'path.prefix',
    seen: /there is no key store at this path/,
  },
  {
    what: 'a web server cuts the prefix off the path',
    code: 'XKS_PROXY_INVALID_CONFIGURATION',
    provoke: async () =>
      between({
        alter: (passing) => {
          passing.path = passing.path.replace(/^\/errors-prefix/, '');
        },
      }),
    finding: 'middlebox.path',
    seen: /sent \/errors-prefix\/holdfast\/v1\/echo\/\S+, arrived \/holdfast/,
  },
  {
    what: 'a web server answers in place of the node',
    code: 'XKS_PROXY_INVALID_RESPONSE',
    provoke: async () =>
      between({
        answer: (_request, response) => {
          response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Portal</h1>');
          return true;
        },
      }),
    finding: 'credential.accepted',
    seen: /200 with text\/html|Content-Type/,
  },
  {
    what: 'the token fails',
    code: 'XKS_PROXY_INVALID_RESPONSE',
    provoke: async () =>
      between({
        revise: (answer) => {
          if (answer.status === 200)
            Object.assign(answer, { status: 500, body: { errorName: 'InternalException' } });
        },
      }),
    finding: 'credential.accepted',
    seen: /500 InternalException/,
  },
  {
    what: 'the certificate is for another name',
    code: 'XKS_PROXY_INVALID_TLS_CONFIGURATION',
    provoke: async () => {
      const { node } = story;
      const kept = path.join(node.directory, 'kept');
      const right = { certificate: `${kept}.pem`, key: `${kept}-key.pem` };
      await copyFile(node.tls.certificate, right.certificate);
      await copyFile(node.tls.key, right.key);
      await serveWith(await node.ca.issue('other.example.test', { dnsNames: ['other.example.test'] }));
      return async () => serveWith(right);
    },
    finding: 'certificate.name',
    seen: /xks\.example\.test is not in it/,
  },
  {
    what: 'the certificate has expired',
    code: 'XKS_PROXY_INVALID_TLS_CONFIGURATION',
    provoke: async () => between({}, await story.node.ca.issue(hostName, { dnsNames: [hostName], days: -1 })),
    finding: 'certificate.validity',
    seen: /has expired on/,
  },
  {
    what: 'the certificate is of a CA that AWS does not trust',
    code: 'XKS_PROXY_INVALID_TLS_CONFIGURATION',
    provoke: async () => {
      const directory = path.join(story.node.directory, 'another-ca');
      await mkdir(directory);
      const another = await TestCa.create(directory);
      return between({}, await another.issue(hostName, { dnsNames: [hostName] }));
    },
    finding: 'certificate.chain',
    seen: /is not among them and no CA known here/,
  },
  {
    what: 'nothing listens, as when the node is stopped',
    code: 'XKS_PROXY_NOT_REACHABLE',
    provoke: async () => {
      const nobody = createServer().listen(0, '127.0.0.1');
      await once(nobody, 'listening');
      const { port } = nobody.address() as AddressInfo;
      nobody.close();
      await once(nobody, 'close');
      return leadTo(port);
    },
    finding: 'connection.tcp',
    seen: /refuses connections: nothing listens there/,
  },
  {
    what: 'every token is UNAVAILABLE',
    code: 'XKS_PROXY_NOT_REACHABLE',
    provoke: async () =>
      between({
        revise: ({ status, body }) => {
          const fleet = body['ekmFleetDetails'] as { healthStatus: string }[] | undefined;
          if (status === 200) for (const one of fleet ?? []) one.healthStatus = 'UNAVAILABLE';
        },
      }),
    finding: 'health.tokens',
    seen: /UNAVAILABLE/,
  },
  {
    what: 'the proxy is too slow for AWS',
    code: 'XKS_PROXY_TIMED_OUT',
    provoke: async () => {
      story.time.xksTimeoutMs = 250;
      const back = await between({ answer: ({ url, method }) => isHealth(url, method) });
      return async () => {
        story.time.xksTimeoutMs = 30_000;
        await back();
      };
    },
    // All that comes before it is answered in time.
    doctor: { timeout: 3_000 },
    finding: 'credential.accepted',
    seen: /no answer came in time/,
  },
];

for (const { what, code, provoke, finding, seen, doctor, whileDiagnosed } of rows)
  test.serial(`${what}: ${code}, and the doctor says ${finding}`, async (t) => {
    const undo = await provoke();
    try {
      await vault.do(store.path, 'connect');
      const shown = await vault.settled(store.path);
      t.is(shown.state, 'FAILED');
      t.like(shown.connectionError, { code, ...connectionErrors[code] });
      t.regex(shown.connectionError.remediation, /holdfast external-key-store connect/);

      const after = whileDiagnosed?.();
      const findings = await findingsUntil(finding, { ...options(), ...doctor });
      await after?.();
      const { connectionErrorCode, remediation } = found(t, findings, finding, 'PROBLEM', seen);
      t.is(connectionErrorCode, code);
      t.truthy(remediation);
    } finally {
      await undo();
    }
    // Put right, it is connected by asking once.
    await vault.do(store.path, 'connect');
    t.like(await vault.settled(store.path), { state: 'CONNECTED', connectionError: null });
    await vault.do(store.path, 'disconnect');
    t.is((await vault.settled(store.path)).state, 'DISCONNECTED');
  });

function options(): DoctorOptions {
  const [address = '', port] = story.resolve[hostName]?.split(':') ?? [];
  return {
    endpoint: { host: hostName, port: 443 },
    connect: { address, port: Number(port) },
    credential: parseConsoleFile(JSON.stringify(consoleFile)),
    ca: readFileSync(story.node.ca.certificate, 'utf8'),
    timeout: 30_000,
  };
}

const verified = { name: vpcService, ownerAccountId: '111122223333', privateDnsName: vpcHost };

test.serial('a VPC endpoint service that is not there, or not as KMS needs it', async (t) => {
  const { kms: aws } = story.simulator;
  aws.putVpcEndpointService(verified);
  const tls = await story.node.ca.issue(vpcHost, { dnsNames: [vpcHost] });
  const box = await Middlebox.start({ tls, node: story.node.port });
  t.teardown(() => box.close());
  story.resolve[vpcHost] = `127.0.0.1:${box.port}`;
  const set = await vault.keySet('private', (await vault.get(`/key-sets/${keySet}`)).cspAccountId);
  const made = await vault.make(`/key-sets/${set.id}/external-key-stores`, {
    ...{ region, connectivity: 'VPC_ENDPOINT_SERVICE', uriEndpoint: `https://${vpcHost}` },
    vpcEndpointServiceName: vpcService,
  });
  vpcStore = `/key-sets/${set.id}/external-key-stores/${made.id}`;
  const connect = async () => {
    await vault.do(vpcStore, 'connect');
    return vault.settled(vpcStore);
  };
  const findings = async () =>
    findingsUntil('name.vpc-service', {
      ...options(),
      ...{ endpoint: { host: vpcHost, port: 443 }, vpc: true, nameServer },
    });

  aws.removeVpcEndpointService(vpcService);
  const missing = await connect();
  t.is(missing.state, 'FAILED');
  t.like(missing.connectionError, {
    code: 'XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND',
    ...connectionErrors.XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND,
  });
  // What AWS sees within Amazon VPC nobody sees from here, and the doctor says so.
  const service = found(t, await findings(), 'name.vpc-service', 'SKIPPED', /only AWS can tell/);
  t.regex(service.remediation ?? '', /describe-vpc-endpoint-service-configurations/);

  aws.putVpcEndpointService({ ...verified, domainVerified: false });
  const unverified = await connect();
  t.like(unverified.connectionError, {
    code: 'XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION',
    ...connectionErrors.XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION,
  });
  const domain = found(t, await findings(), 'name.vpc-domain', 'PROBLEM', /public DNS has no domain above/);
  t.is(domain.connectionErrorCode, 'XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION');

  aws.putVpcEndpointService(verified);
  t.is((await connect()).state, 'CONNECTED');
});
