import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { SignedRequest } from '../testing/xks-client.ts';

/** What one run of wrk measured; latencies in milliseconds. */
export interface Load {
  requests: number;
  seconds: number;
  perSecond: number;
  p50: number;
  p99: number;
  /** Answers that were not 2xx, and connections that failed. */
  errors: number;
}

export interface LoadOptions {
  /** This machine unless given. */
  host?: string;
  port: number;
  connections: number;
  seconds: number;
  /** Sent in turn. Signed beforehand: a signature holds for five minutes, and the generator must cost little. */
  requests: readonly SignedRequest[];
  /** Mean pause of a connection between an answer and its next request, milliseconds: holds a rate instead of a flood. */
  pause?: number;
}

/** Runs wrk, a process of its own. */
export async function runLoad(options: LoadOptions): Promise<Load> {
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-bench-'));
  try {
    const script = path.join(directory, 'load.lua');
    await writeFile(script, luaScript(options));
    const { stdout } = await promisify(execFile)('wrk', [
      ...[
        '--threads',
        '1',
        '--connections',
        String(options.connections),
        '--duration',
        `${options.seconds}s`,
      ],
      ...['--timeout', '2s', '--script', script, `https://${options.host ?? 'localhost'}:${options.port}`],
    ]);
    const result = /^RESULT (.*)$/m.exec(stdout)?.[1];
    if (result === undefined) throw new Error(`wrk gave no result: ${stdout}`);
    const raw = JSON.parse(result) as {
      requests: number;
      duration: number;
      p50: number;
      p99: number;
      errors: number;
    };
    const seconds = raw.duration / 1e6;
    return {
      requests: raw.requests,
      seconds,
      perSecond: raw.requests / seconds,
      p50: raw.p50 / 1000,
      p99: raw.p99 / 1000,
      errors: raw.errors,
    };
  } finally {
    await rm(directory, { recursive: true });
  }
}

function luaScript({ requests, pause }: LoadOptions): string {
  const lines = requests.map(({ method, path: uri, headers, body }) => {
    // wrk makes the Host header itself, in this spelling.
    const fields = Object.entries(headers).map(
      ([name, value]) => `[${lua(name === 'host' ? 'Host' : name)}]=${lua(value)}`,
    );
    return `requests[#requests+1] = wrk.format(${lua(method)}, ${lua(uri)}, {${fields.join(',')}}, ${lua(body.toString('latin1'))})`;
  });
  return `
local requests = {}
init = function(args)
${lines.join('\n')}
end
local turn = 0
request = function()
  turn = turn % #requests + 1
  return requests[turn]
end
${pause === undefined ? '' : `math.randomseed(1)\ndelay = function() return math.random(0, ${Math.round(pause * 2)}) end`}
done = function(summary, latency, rates)
  local e = summary.errors
  io.write(string.format('RESULT {"requests":%d,"duration":%d,"p50":%d,"p99":%d,"errors":%d}\\n', summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
`;
}

function lua(text: string): string {
  return JSON.stringify(text);
}
