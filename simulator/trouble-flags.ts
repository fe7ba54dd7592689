import { InvalidArgumentError, Option, type Command } from 'commander';
import type { FaultRule } from './faults.ts';
import type { VpcEndpointService } from './kms/vpc-endpoint-services.ts';
import type { ServiceName } from './service.ts';

/* Flags that make the simulator as slow and as forgetful as AWS is at its worst. */

export interface TroubleFlags {
  readonly eventualConsistency?: number | true;
  readonly accessKeyDelay?: number;
  readonly slowUpdates?: number | true;
  readonly quotas?: boolean;
  readonly fault: FaultRule[];
  readonly clientCertificate?: boolean;
  readonly vpcEndpointService: VpcEndpointService[];
  readonly control?: number;
}

/** Seconds, where the flag is given without any: what AWS needs now and then, and five minutes (developer guide). */
const usualConsistency = 5;
const usualSpread = 300;

export function addTroubleFlags(command: Command): Command {
  return command
    .option(
      '--eventual-consistency [seconds]',
      `what was made or changed shows only after so long (${usualConsistency}): keys, aliases, key stores, users, access keys, policies`,
      seconds,
    )
    .option(
      '--access-key-delay <seconds>',
      'how long STS and KMS do not know a new access key; as long as --eventual-consistency unless given',
      seconds,
    )
    .option(
      '--slow-updates [seconds]',
      `how long some of AWS's hosts sign with the XKS credential of before (${usualSpread})`,
      seconds,
    )
    .option('--quotas', "KMS's request quotas: what is more than AWS takes in a second is throttled")
    .addOption(
      new Option(
        '--fault <operation=kind>',
        'makes an operation fail, such as CreateKey=answer-lost,chance=0.2 or iam:CreateUser=ServiceFailure/500,times=1; may be repeated',
      )
        .argParser(append(readFault))
        .default([], 'none'),
    )
    .option(
      '--client-certificate',
      'shows the proxy a client certificate, cks.kms.<region>.amazonaws.com, of a CA in the directory (client-ca.pem)',
    )
    .addOption(
      new Option(
        '--vpc-endpoint-service <name=owner,private-dns-name>',
        'a VPC endpoint service that key stores may use; may be repeated',
      )
        .argParser(append(readService))
        .default([], 'none'),
    )
    .option(
      '--control <port>',
      'a port on 127.0.0.1 over which all this is changed while it runs; 0: any free one',
      port,
    );
}

/** The options of the simulator that these flags come to. */
export function troubleOptions(flags: TroubleFlags) {
  const { eventualConsistency: consistency, accessKeyDelay, slowUpdates } = flags;
  const ms = (given: number | true, usual: number) => (given === true ? usual : given) * 1000;
  return {
    time: {
      ...(consistency === undefined ? {} : { consistencyMs: ms(consistency, usualConsistency) }),
      ...(accessKeyDelay === undefined ? {} : { accessKeyDelayMs: accessKeyDelay * 1000 }),
      ...(slowUpdates === undefined ? {} : { updateSpreadMs: ms(slowUpdates, usualSpread) }),
      ...(flags.quotas === true ? { quotaSecondMs: 1000 } : {}),
    },
  };
}

const kinds = new Set<string>(['reset', 'hang', 'answer-lost', 'slow', '500', 'throttle', 'denied']);
const services = new Set<string>(['kms', 'iam', 'sts', 's3']);
const form =
  /^(?:(?<service>[a-z0-9]+):)?(?<action>\*|[A-Za-z]{1,64})=(?<kind>[A-Za-z0-9.-]{1,64})(?:\/(?<status>[45]\d\d))?(?<more>(?:,[a-z]+=[\d.]+)*)$/;

/** `[service:]Operation=kind[,times=n][,after=n][,chance=p][,delay=ms]`; the kind may be an error code of AWS's, `Code/status`. */
// oxlint-disable-next-line complexity -- one part of the flag after another
export function readFault(text: string): FaultRule {
  const found = form.exec(text)?.groups;
  const service = found?.['service'] ?? 'kms';
  if (found === undefined || !services.has(service))
    throw new InvalidArgumentError(
      'It has the form [service:]Operation=kind[/status][,times=n][,after=n][,chance=p][,delay=ms]',
    );
  const numbers = Object.fromEntries(
    (found['more'] ?? '').split(',').flatMap((one) => {
      const [name = '', value] = one.split('=');
      return name === '' ? [] : [[name, Number(value)]];
    }),
  ) as Record<string, number>;
  const { times, after, chance, delay, ...unknown } = numbers;
  const [strange] = Object.keys(unknown);
  if (strange !== undefined)
    throw new InvalidArgumentError(`There is no ${strange}; there are times, after, chance and delay`);
  if (chance !== undefined && !(chance >= 0 && chance <= 1))
    throw new InvalidArgumentError('chance is from 0 to 1');
  const kind = found['kind'] ?? '';
  return {
    service: service as ServiceName,
    action: found['action'] ?? '*',
    ...(kinds.has(kind)
      ? { kind: kind as FaultRule['kind'] }
      : { kind: 'error' as const, error: { code: kind, status: Number(found['status'] ?? 400) } }),
    ...(times === undefined ? {} : { times }),
    ...(after === undefined ? {} : { after }),
    ...(chance === undefined ? {} : { chance }),
    ...(delay === undefined ? {} : { delayMs: delay }),
  };
}

function readService(text: string): VpcEndpointService {
  const [, name, ownerAccountId, privateDnsName] =
    /^(com\.amazonaws\.vpce\.[a-z0-9.-]+)=(\d{12}),([A-Za-z0-9.-]+)$/.exec(text) ?? [];
  if (name === undefined || ownerAccountId === undefined || privateDnsName === undefined)
    throw new InvalidArgumentError(
      'It has the form com.amazonaws.vpce.eu-central-1.vpce-svc-0123456789abcdef0=111122223333,xks.internal.example.com',
    );
  return { name, ownerAccountId, privateDnsName };
}

function append<T>(read: (text: string) => T): (text: string, before: T[]) => T[] {
  return (text, before) => [...before, read(text)];
}

function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d{1,5}(?:\.\d{1,3})?$/.test(text)) throw new InvalidArgumentError('It is a number of seconds.');
  return value;
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d{1,5}$/.test(text) || value > 65_535) throw new InvalidArgumentError('It is a port number.');
  return value;
}
