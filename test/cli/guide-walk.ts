import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { bash, type Typed } from '../docs/bash.ts';
import { CommandServer } from './command-line.ts';

/*
 * Runs a shell script in which `holdfast` and `aws` are functions: what they are told is done by processes that have the
 * program loaded already. A start of either costs most of a second, and the guide has a hundred.
 */

export interface WalkOptions {
  /** Where it runs; files of the functions are in `.walk` there. */
  directory: string;
  env: Record<string, string>;
  /** Arguments that every `aws` gets before its own. */
  awsOptions?: readonly string[];
  /** And every `holdfast doctor`. */
  doctorOptions?: readonly string[];
}

/** The functions: arguments and environment go into files, what was printed comes back in files, the rest over TCP. */
const functions = `
_ask() { # program, its arguments
  local ask="$_walk/$BASHPID.$RANDOM" program=$1 code link
  shift
  printf '%s\\0' "$@" > "$ask.words"
  env -0 > "$ask.env"
  exec {link}<>"/dev/tcp/127.0.0.1/$_port"
  echo "$program $ask" >&$link
  read -r code <&$link
  exec {link}>&-
  cat "$ask.out"
  cat "$ask.err" >&2
  return "$code"
}
holdfast() {
  if [ "$1" != doctor ]; then
    _ask holdfast "$@"
  else # that it finds a busy machine slow is none of the guide's
    _ask holdfast "$@" "\${_doctor_options[@]}" || [ $? = 1 ]
  fi
}
aws() { _ask aws "\${_aws_options[@]}" "$@"; }
sleep() { command sleep 0.1; } # AWS is quicker here
`;

export async function walk(
  script: string,
  { directory, env, awsOptions = [], doctorOptions = [] }: WalkOptions,
): Promise<Typed> {
  const place = path.join(directory, '.walk');
  await mkdir(place, { mode: 0o700, recursive: true });
  const holdfast = new CommandServer({ cwd: directory });
  const aws = new AwsCommands(directory);
  const server = createServer((socket) => {
    void serve(socket, { holdfast, aws });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const preamble = [
    `_walk=${place} _port=${(server.address() as AddressInfo).port}`,
    `_aws_options=(${awsOptions.join(' ')}) _doctor_options=(${doctorOptions.join(' ')})`,
    functions,
  ];
  try {
    return await bash([...preamble, script].join('\n'), { cwd: directory, env });
  } finally {
    holdfast.close();
    await aws.close();
    server.close();
  }
}

async function serve(
  socket: Socket,
  { holdfast, aws }: { holdfast: CommandServer; aws: AwsCommands },
): Promise<void> {
  socket.on('error', () => undefined);
  const [line] = (await once(createInterface({ input: socket }), 'line')) as [string];
  const [program, ask = ''] = line.split(' ');
  const code = program === 'aws' ? await aws.run(ask) : await runHoldfast(holdfast, ask);
  socket.end(`${code}\n`);
}

async function runHoldfast(holdfast: CommandServer, ask: string): Promise<number> {
  const read = async (name: string) => (await readFile(ask + name, 'utf8')).split('\0').slice(0, -1);
  const env = Object.fromEntries(
    (await read('.env')).map((pair) => {
      const end = pair.indexOf('=');
      return [pair.slice(0, end), pair.slice(end + 1)];
    }),
  );
  const { code, stdout, stderr } = await holdfast.run(await read('.words'), { env });
  await writeFile(`${ask}.out`, stdout, { mode: 0o600 });
  await writeFile(`${ask}.err`, stderr, { mode: 0o600 });
  return code ?? 1;
}

/** The AWS CLI of the distribution: see aws-cli-server.py. */
class AwsCommands {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<string, (code: number) => void>();

  constructor(cwd: string) {
    const child = spawn('/usr/bin/python3', [path.join(import.meta.dirname, 'aws-cli-server.py')], {
      cwd,
      env: { HOME: cwd },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [ask = '', code] = line.split(' ');
      this.#waiting.get(ask)?.(Number(code));
    });
  }

  async run(ask: string): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#waiting.set(ask, resolve);
    this.#child.stdin?.write(`${ask}\n`);
    return promise;
  }

  async close(): Promise<void> {
    const ended = this.#child.exitCode === null ? once(this.#child, 'exit') : undefined;
    this.#child.stdin?.end();
    await ended;
  }
}
