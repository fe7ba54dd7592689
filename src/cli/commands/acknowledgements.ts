import type { Command } from 'commander';
import { counted } from '../../counted.ts';
import type { Schemas } from '../client/api-types.ts';
import { withApi, type Api } from '../client/api.ts';
import { CliError } from '../output/cli-error.ts';
import { example } from '../output/example.ts';
import { isForPrograms, printData, printDone, printList, type OutputOptions } from '../output/output.ts';
import { printable } from '../output/printable.ts';
import { timesIn } from '../output/said.ts';
import { print } from '../output/streams.ts';
import { parseMoment } from '../output/values.ts';

type Finding = Schemas['Status']['findings'][number];

interface Input {
  where?: string;
  note: string;
  until?: string;
}

/** Not where somebody has seen and judged all of it. A node of an older version does not say. */
export function needsAttention({ acknowledgements }: Partial<Finding>): boolean {
  return acknowledgements === undefined || acknowledgements.length === 0;
}

export function acknowledgedInWords({
  message,
  acknowledgements: [last],
}: Pick<Finding, 'message' | 'acknowledgements'>): string {
  if (last === undefined) return message;
  const until = last.until === null ? '' : ` until ${last.until}`;
  return `${message}; acknowledged by ${last.by} at ${last.at}${until}: ${last.note}`;
}

/** A node of an older version does not say what it is on. */
type ToldFinding = Omit<Finding, 'on' | 'onMore'> & Partial<Pick<Finding, 'on' | 'onMore'>>;

/** With all that it is on: the message itself names the first few. */
function printFinding(finding: ToldFinding, options: OutputOptions): void {
  if (isForPrograms(options)) {
    printData(finding, options);
    return;
  }
  const { message, remediation, on = [], onMore = 0 } = finding;
  const said = needsAttention(finding) ? message : acknowledgedInWords(finding);
  for (const line of [said, remediation]) print(printable(timesIn(line)));
  print('');
  if (on.length === 0) print('on the appliance as a whole');
  else
    printList(
      on,
      { kind: ({ kind }) => kind, name: ({ name }) => name, id: { of: ({ id }) => id, wide: false } },
      options,
    );
  if (onMore > 0) print(`and ${onMore} more`);
}

export function addAcknowledgements(status: Command): void {
  example(
    named(
      status
        .command('show <finding>')
        .description('show all that a finding is on, such as KMS_KEY_DRIFT: each with its id'),
    ).action(async (trouble: string, { where }: Pick<Input, 'where'>, command: Command) =>
      withApi(command, async (api) => printFinding(await findingNow(api, trouble, where), api.options)),
    ),
    'holdfast status show KMS_KEY_DRIFT',
  );
  example(
    named(
      status
        .command('acknowledge <finding>')
        .description(
          'acknowledge a finding that you have judged, such as KMS_KEY_DRIFT: it stays in the status and needs no attention until it gets worse',
        ),
    )
      .requiredOption('--note <text>', 'why nothing has to be done; everyone who sees the finding sees it')
      .option(
        '--until <when>',
        'until this date or time, or for so long: 30d; otherwise until the finding changes',
        parseMoment,
      )
      .action(async (trouble: string, { note, until, where }: Input, command: Command) =>
        withApi(command, async (api) => {
          const { fingerprint } = await findingOf(api, trouble, where);
          const body = { fingerprint, note, ...(until === undefined ? {} : { until }) };
          const finding = await api.client.post(api.here('/status/acknowledge'), body);
          printDone(acknowledgedInWords(finding), finding, api.options);
        }),
      ),
    'holdfast status acknowledge KMS_KEY_DRIFT --note "tags are set by the platform team" --until 30d',
  );
  example(
    named(
      status
        .command('withdraw-acknowledgement <finding>')
        .description('have a finding that was acknowledged need attention again'),
    ).action(async (trouble: string, { where }: Input, command: Command) =>
      withApi(command, async (api) => {
        const { fingerprint } = await findingOf(api, trouble, where);
        const finding = await api.client.post(api.here('/status/withdraw-acknowledgement'), { fingerprint });
        printDone(`${finding.message}: needs attention again`, finding, api.options);
      }),
    ),
    'holdfast status withdraw-acknowledgement KMS_KEY_DRIFT',
  );
}

function named(command: Command): Command {
  return command.option('--where <name>', 'of this token, vault or node, if there are several');
}

/** As it is at this moment. */
async function findingNow(api: Api, trouble: string, where: string | undefined): Promise<Finding> {
  const { findings } = await api.client.get(api.here('/status'));
  const found = findings.filter(
    (finding) =>
      finding.trouble === trouble.toUpperCase() && (where === undefined || finding.where === where),
  );
  const [first, ...others] = found;
  if (first === undefined) {
    const there = [...new Set(findings.map((finding) => finding.trouble))].join(', ');
    throw new CliError(
      'notFound',
      `there is no finding ${trouble}${where === undefined ? '' : ` of ${where}`}`,
      there === '' ? 'holdfast status shows what there is' : `there is: ${there}`,
    );
  }
  if (others.length > 0)
    throw new CliError(
      'usage',
      `there are ${counted(found.length, 'finding')} ${first.trouble}`,
      `which one? --where ${found.map((finding) => finding.where).join(', or --where ')}`,
    );
  return first;
}

/** What changes before the node is told is refused there. */
async function findingOf(
  api: Api,
  trouble: string,
  where: string | undefined,
): Promise<{ fingerprint: string }> {
  const first = await findingNow(api, trouble, where);
  if (first.fingerprint === null)
    throw new CliError(
      'usage',
      `${first.trouble} cannot be acknowledged: ${first.message}`,
      `it has to be mended: ${first.remediation}`,
    );
  return { fingerprint: first.fingerprint };
}
