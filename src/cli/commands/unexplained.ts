import { createReadStream } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Command } from 'commander';
import {
  Comparison,
  TrailRecords,
  UnexplainedError,
  type Groups,
  type Unexplained,
} from '../../cloudtrail/unexplained.ts';
import { beginsAsGzip } from '../archive/gzip.ts';
import { systemReason } from '../../system-reason.ts';
import { CliError } from '../output/cli-error.ts';
import { example } from '../output/example.ts';
import { exitCodes } from '../output/exit-codes.ts';
import { isForPrograms, printData, printList, printRecord, type OutputOptions } from '../output/output.ts';
import { note } from '../output/streams.ts';

/** Of one file of CloudTrail, decompressed, bytes: it is one JSON document. CloudTrail's own are far smaller. */
const mostBytes = 256 * 2 ** 20;
/** Characters. A line of a node's log has a few thousand at the most. */
const mostOfLine = 2 ** 20;

interface Input {
  cloudtrail: string[];
  log: string[];
}

/** Needs no node: whoever has the log and CloudTrail's files can compare them, on a machine that the node does not know. */
export function addUnexplained(request: Command): void {
  example(
    request
      .command('unexplained')
      .description(
        'compare the log of the nodes with CloudTrail: requests that were served and that AWS KMS knows nothing of, and the ' +
          'other way round; needs no node; exits with 0 if there are none of either, otherwise with 1',
      )
      .requiredOption(
        '--cloudtrail <files...>',
        'files as CloudTrail delivers them, or answers of "aws cloudtrail lookup-events"; compressed or not',
      )
      .requiredOption('--log <files...>', 'logs of all nodes, JSON lines; compressed or not')
      .action(async ({ cloudtrail, log }: Input, command: Command) => {
        const found = await compare(cloudtrail, log);
        tell(found, command.optsWithGlobals());
        // A script must be able to tell.
        if (found.unexplained.count + (found.notInLog?.count ?? 0) > 0)
          process.exitCode = exitCodes.problemFound;
      }),
    'holdfast request unexplained --cloudtrail cloudtrail/*.json.gz --log node-a.jsonl node-b.jsonl.gz',
  );
}

async function compare(trails: readonly string[], logs: readonly string[]): Promise<Unexplained> {
  const records = new TrailRecords();
  for (const file of trails) {
    const text = await wholeOf(file);
    told(file, () => records.add(text));
  }
  const comparison = new Comparison(records);
  for (const file of logs) for await (const line of linesOf(file)) comparison.add(line);
  return told(logs.join(', '), () => comparison.result());
}

/** Says of which file it is that it is not what it was given as. */
function told<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnexplainedError) throw new CliError('data', `${file}: ${error.message}`);
    throw error;
  }
}

async function wholeOf(file: string): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of (await contentOf(file)) as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > mostBytes)
        throw new CliError('data', `${file}: it is larger than ${mostBytes / 2 ** 20} MiB`, 'split it');
      chunks.push(chunk);
    }
  } catch (error) {
    throw readError(file, error);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function* linesOf(file: string): AsyncGenerator<string> {
  let rest = '';
  try {
    const content = await contentOf(file);
    for await (const chunk of content.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > mostOfLine) throw new CliError('data', `${file}: it is no log: a line has no end`);
      yield* lines;
    }
  } catch (error) {
    throw readError(file, error);
  }
  yield rest;
}

async function contentOf(file: string): Promise<Readable> {
  const isGzip = await beginsAsGzip(file);
  const plain = createReadStream(file);
  // What goes wrong with either is told by the one that is read.
  return isGzip ? pipeline(plain, createGunzip(), () => undefined) : plain;
}

function readError(file: string, error: unknown): unknown {
  if (error instanceof CliError) return error;
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code.startsWith('Z_') || code === 'ERR_TRAILING_JUNK_AFTER_STREAM_END')
    return new CliError('data', `${file}: its compression is broken, or it is cut off (${code})`);
  return new CliError('notFound', `${file} cannot be read: ${systemReason(error).words}`, undefined, error);
}

function tell(found: Unexplained, options: OutputOptions): void {
  if (isForPrograms(options)) {
    printData(found, options);
    return;
  }
  const { requests, explained, notCovered, covered, unexplained, notInLog } = found;
  printRecord(
    {
      ...{ requests, explained, notCovered },
      ...{ unexplained: unexplained.count, notInLog: notInLog?.count ?? 'not known: the log is sampled' },
      covered: covered.map(
        ({ awsAccountId, region, from, to }) => `${awsAccountId} ${region}: ${from} to ${to}`,
      ),
    },
    options,
  );
  printGroups(unexplained, options);
  if (notInLog !== null && notInLog.count > 0) {
    note('holdfast: done according to CloudTrail, and not in the log:');
    printGroups(notInLog, options);
  }
}

function printGroups({ groups }: Groups, options: OutputOptions): void {
  if (groups.length === 0) return;
  printList(
    [...groups],
    {
      count: ({ count }) => count,
      operation: ({ operation }) => operation,
      'key set': ({ keySet }) => keySet,
      'external key id': { of: ({ externalKeyId }) => externalKeyId, rank: 4 },
      'access key id': ({ accessKeyId }) => accessKeyId,
      principal: { of: ({ principal }) => principal, rank: 3 },
      from: ({ remote }) => remote,
      last: { of: ({ lastAt }) => lastAt, rank: 5 },
      'KMS key': { of: ({ kmsKeyArn }) => kmsKeyArn, wide: true },
      'KMS request id': { of: ({ kmsRequestId }) => kmsRequestId, wide: true },
      first: { of: ({ firstAt }) => firstAt, wide: true },
    },
    options,
  );
}
