import {
  Comparison,
  TrailRecords,
  UnexplainedError,
  type Unexplained,
} from '../../src/cloudtrail/unexplained.ts';
import { sentence } from '../frame/problem-alert.tsx';
import { chunksOf, PackedError } from '../parts/file-chunks.ts';
import { cloudtrail as t } from '../texts/cloudtrail.ts';

/** Mebibytes, not compressed, of one file of CloudTrail, which is one JSON document. Logs are read line by line. */
const mostMebibytes = 256;
/** Characters. A line of a node's log has a few thousand at the most. */
const mostOfLine = 2 ** 20;

/** A file cannot be taken; the message is for people. */
export class FileProblem extends Error {
  override readonly name = 'FileProblem';
}

/** Throws FileProblem. */
export async function compareFiles(trails: readonly File[], logs: readonly File[]): Promise<Unexplained> {
  const records = new TrailRecords();
  for (const file of trails) await named(file.name, async () => records.add(await textOf(file)));
  const comparison = new Comparison(records);
  for (const file of logs)
    await named(file.name, async () => {
      for await (const line of linesOf(file)) comparison.add(line);
    });
  return named(t.log, async () => comparison.result());
}

async function named<T>(name: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const why =
      error instanceof UnexplainedError || error instanceof FileProblem
        ? sentence(error.message)
        : error instanceof PackedError
          ? t.packed
          : t.notReadable;
    throw new FileProblem(t.notRead(name, why), { cause: error });
  }
}

async function textOf(file: Blob): Promise<string> {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let length = 0;
  for await (const chunk of chunksOf(file)) {
    length += chunk.length;
    if (length > mostMebibytes * 2 ** 20) throw new FileProblem(t.large(mostMebibytes));
    parts.push(decoder.decode(chunk, { stream: true }));
  }
  return [...parts, decoder.decode()].join('');
}

async function* linesOf(file: Blob): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunksOf(file)) {
    const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > mostOfLine) throw new FileProblem(t.notReadable);
    yield* lines;
  }
  yield rest;
}
