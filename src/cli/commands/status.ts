import type { Command } from 'commander';
import { counted } from '../../counted.ts';
import type { Schemas } from '../client/api-types.ts';
import { withApi } from '../client/api.ts';
import { coloured, styleOfState } from '../output/colour.ts';
import { example } from '../output/example.ts';
import { exitCodes } from '../output/exit-codes.ts';
import { folded } from '../output/folded.ts';
import { isForPrograms, printData, type OutputOptions } from '../output/output.ts';
import { printable } from '../output/printable.ts';
import { addAcknowledgements, acknowledgedInWords, needsAttention } from './acknowledgements.ts';
import { timesIn } from '../output/said.ts';
import { print, terminal } from '../output/streams.ts';
import { missingInWords, vitalsInWords } from '../records/series-words.ts';

/** Of the appliance, or of a vault. */
export type Status = Schemas['Status'];

/** So many findings are on the screen; all of them with `-o json`. */
const maxShown = 12;
const maxNotes = 3;
const widest = 100;

export function addStatusCommand(program: Command): void {
  const status = program
    .command('status')
    .description(
      'show an overview and what needs attention, on one screen; exits with 0 if nothing does, otherwise with 1',
    );
  example(
    status.action(async (_: unknown, command: Command) =>
      withApi(command, async ({ client, here, options }) => {
        const status = await client.get(here('/status'));
        if (isForPrograms(options)) printData(status, options);
        else for (const line of linesOf(status, options)) print(line);
        // A script must be able to tell.
        process.exitCode = exitCodeOf(status);
      }),
    ),
    'holdfast status',
  );
  addAcknowledgements(status);
}

export function exitCodeOf({ ok }: Status): number {
  return ok ? 0 : exitCodes.problemFound;
}

export function linesOf(status: Status, options: OutputOptions): string[] {
  const width = Math.min(terminal()?.columns ?? 80, widest);
  const paint = (text: string): string =>
    text.replaceAll(/\b[A-Z][A-Z_]{2,}\b/g, (word) => {
      const style = styleOfState(word);
      return style === undefined ? word : coloured(style, word, options.color);
    });
  const lines = Object.entries(partsOf(status)).flatMap(([label, text]) =>
    folded(printable(timesIn(text)), width - 14).map((line, index) =>
      `${(index === 0 ? label : '').padEnd(13)} ${paint(line)}`.trimEnd(),
    ),
  );
  const open = status.findings.filter(needsAttention);
  const known = status.findings.filter((finding) => !needsAttention(finding));
  const n = open.length;
  const notes = status.notes ?? [];
  const verdict =
    n === 0
      ? coloured('green', 'nothing needs attention', options.color)
      : coloured('red', `${counted(n, 'thing needs', 'things need')} attention`, options.color);
  return [
    verdict,
    ...open.slice(0, maxShown).flatMap((finding) => inLines(finding, width, options)),
    ...(n > maxShown ? [`  and ${n - maxShown} more: holdfast status -o json`] : []),
    ...known.slice(0, maxNotes).flatMap((finding) => marked('✓', acknowledgedInWords(finding), width)),
    ...(known.length > maxNotes
      ? [`  and ${known.length - maxNotes} more that are acknowledged: holdfast status -o json`]
      : []),
    ...notes.slice(0, maxNotes).flatMap(({ message, more }) => marked('·', `${message}: ${more}`, width)),
    ...(notes.length > maxNotes
      ? [`  and ${counted(notes.length - maxNotes, 'more note')}: holdfast status -o json`]
      : []),
    '',
    ...lines,
  ];
}

function marked(mark: string, text: string, width: number): string[] {
  return folded(printable(timesIn(text)), width - 2).map(
    (line, index) => `${index === 0 ? mark : ' '} ${line}`,
  );
}

function inLines(
  { message, remediation }: Status['findings'][number],
  width: number,
  { color }: OutputOptions,
): string[] {
  const mends = folded(printable(timesIn(remediation)), width - 4).map(
    (line) => `    ${coloured('bold', line, color)}`,
  );
  return [...marked('-', message, width), ...mends];
}

/** What there is, a line each. */
function partsOf(status: Status): Record<string, string> {
  const { nodes, certificates, disk, vaults, auditEvents, schedules, workerLeases, traffic } = status;
  return {
    at: `${status.at}, version ${status.version}`,
    // A node of an older version does not say.
    ...(status.environment ? { environment: status.environment.label } : {}),
    ...(nodes === undefined
      ? {}
      : { nodes: listed(nodes.map(({ hostname, state }) => `${hostname} ${state}`)) }),
    tokens: listed(
      status.tokens.map(
        ({ name, health, hosts, hostsUp, pinRefused }) =>
          `${name} ${health}${pinRefused ? ' (PIN refused)' : ''}${hosts === null ? '' : ` ${String(hostsUp)}/${hosts}`}`,
      ),
    ),
    ...(workerLeases === undefined
      ? {}
      : {
          leases: `${workerLeases.held} of ${counted(workerLeases.workers, 'XKS worker')} serve from memory, ${workerLeases.seconds} s at a time`,
        }),
    ...(traffic === undefined ? {} : { requests: lastHour(traffic) }),
    ...nodesLately(status),
    ...(certificates === undefined
      ? {}
      : {
          certificates: listed(
            certificates.map(
              ({ listeners, expiresAt }) => `${listeners.join(' and ')} until ${expiresAt.slice(0, 10)}`,
            ),
          ),
        }),
    ...(vaults === undefined ? {} : { vaults: frozen(vaults) }),
    'key sets': frozen(status.keySets),
    keys: byState(status.cloudKeys),
    'key stores': byState(status.externalKeyStores),
    'KMS keys':
      status.kmsKeysSeenAt === null
        ? 'are being looked through: ask again'
        : `compared at ${status.kmsKeysSeenAt} with what AWS said last`,
    credentials: `${status.credentials.live} live`,
    ...quotasOf(status),
    ...(schedules === undefined
      ? {}
      : {
          schedules:
            schedules.length === 0
              ? 'none is being worked on'
              : listed(schedules.map(({ name }) => scheduleWords[name] ?? name)),
        }),
    ...(disk === undefined
      ? {}
      : {
          disk: `${size(disk.freeBytes)} free, ${disk.reserveBytes < disk.wholeReserveBytes ? 'the reserve is NOT whole' : 'the reserve is whole'}`,
        }),
    ...(auditEvents === undefined
      ? {}
      : { 'audit trail': `${auditEvents.toLocaleString('en')} ${auditEvents === 1 ? 'event' : 'events'}` }),
  };
}

/** What the work by schedule of this name looks after. */
const scheduleWords: Readonly<Record<string, string>> = { schedules: 'keys and credentials', aws: 'AWS' };

type Traffic = NonNullable<Status['traffic']>;
/** A node of an older version tells of itself alone, and says nothing of nodes. */
type LastHour = Omit<Traffic, 'nodes'> & Partial<Pick<Traffic, 'nodes'>>;

/** Of AWS, to all nodes that have told. */
function lastHour({ requests, requestsPerSecond, reliabilityPercent, p99Ms, nodes }: LastHour): string {
  const without = nodes === undefined || nodes.missing === 0 ? '' : `; without ${missingInWords(nodes)}`;
  if (requests === 0) return `none in the last hour${without}`;
  const [rate, all] = [rounded(requestsPerSecond, 1), requests.toLocaleString('en')];
  const reliability = reliabilityPercent === null ? '' : `, reliability ${rounded(reliabilityPercent, 2)} %`;
  const slowest = p99Ms === null ? '' : `, 99 in 100 within ${rounded(p99Ms, 1)} ms`;
  return `${rate} a second; in the last hour ${all}${reliability}${slowest}${without}`;
}

/** Nothing of a vault, of an older node, or where no node has told. */
function nodesLately({ vitals }: Status): Record<string, string> {
  const words = vitals === undefined ? undefined : vitalsInWords(vitals);
  return words === undefined ? {} : { 'last hour': words };
}

/** Down: what is not whole is not told as 100 %. */
function rounded(value: number, digits: number): number {
  return Math.floor(value * 10 ** digits) / 10 ** digits;
}

/** Nothing where none is near, as it is where none is set. */
function quotasOf({ quotas }: Status): Record<string, string> {
  if (quotas === undefined || quotas === null || quotas.near === 0) return {};
  const { near, refused, refusedSince } = quotas;
  return {
    quotas: `${near} nearly or wholly used up${refused === 0 ? '' : `, ${counted(refused, 'request')} refused since ${refusedSince}`}`,
  };
}

function frozen({ total, frozen }: Status['keySets']): string {
  return frozen === 0 ? String(total) : `${total}, ${frozen} FROZEN`;
}

function byState(of: Record<string, number>): string {
  return listed(Object.entries(of).map(([state, n]) => `${n} ${state}`));
}

function listed(texts: readonly string[]): string {
  return texts.length === 0 ? 'none' : texts.join(', ');
}

function size(bytes: number): string {
  const gib = bytes / 1024 ** 3;
  return gib >= 1 ? `${gib.toFixed(1)} GiB` : `${Math.floor(bytes / 1024 ** 2)} MiB`;
}
