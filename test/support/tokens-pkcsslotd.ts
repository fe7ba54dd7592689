import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

// opencryptoki has one slot daemon a machine, with fixed paths. Test processes that use it at the same time
// note themselves in a folder; the last one stops the daemon if one of them had started it.
const lockDirectory = '/var/lock/opencryptoki';
const leases = path.join(lockDirectory, 'holdfast-tests');
const startedFile = path.join(leases, 'started');
const pidFile = '/var/run/pkcsslotd.pid';
const socketFile = '/var/run/pkcsslotd.socket';
const deadline = 30_000;

/** Makes sure that the daemon runs until the returned function is called, in this process or in another. */
export async function leaseSlotDaemon(): Promise<() => Promise<void>> {
  const lease = path.join(leases, `${process.pid}.${await startTime(process.pid)}.${randomUUID()}`);
  await exclusively(async () => {
    await mkdir(leases, { recursive: true, mode: 0o700 });
    await dropLeasesOfTheDead();
    if ((await runningDaemon()) === undefined) await startDaemon();
    await writeFile(lease, '');
  });
  return () =>
    exclusively(async () => {
      await rm(lease, { force: true });
      await dropLeasesOfTheDead();
      const left = (await readdir(leases)).filter((name) => name !== path.basename(startedFile));
      if (left.length > 0) return;
      await stopDaemonIfOurs();
      await rm(leases, { recursive: true, force: true });
    });
}

/** Pid of the running slot daemon, whoever started it. */
export async function runningDaemon(): Promise<number | undefined> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
  return pid > 0 && (await startTime(pid, 'pkcsslotd')) !== undefined ? pid : undefined;
}

async function startDaemon(): Promise<void> {
  // Debian makes the folders at boot through systemd-tmpfiles; a container has none.
  for (const name of ['', 'swtok', 'tpm']) {
    await mkdir(path.join(lockDirectory, name), { recursive: true });
    await chmod(path.join(lockDirectory, name), 0o770);
  }
  await rm(socketFile, { force: true });
  const daemon = spawn('/usr/sbin/pkcsslotd', { stdio: 'ignore' });
  const code = await new Promise((resolve, reject) => daemon.once('error', reject).once('exit', resolve));
  if (code !== 0) throw new Error(`pkcsslotd ended with ${String(code)}`);
  await until('pkcsslotd answers', daemonAnswers);
  await writeFile(startedFile, String(await runningDaemon()));
}

async function stopDaemonIfOurs(): Promise<void> {
  const started = Number(await readFile(startedFile, 'utf8').catch(() => ''));
  if (!(started > 0) || started !== (await runningDaemon())) return;
  process.kill(started, 'SIGTERM');
  await until('pkcsslotd ends', async () => (await runningDaemon()) === undefined);
}

async function dropLeasesOfTheDead(): Promise<void> {
  for (const name of await readdir(leases).catch(() => [])) {
    const [pid, since] = name.split('.');
    if (since !== undefined && (await startTime(Number(pid))) !== since) await rm(path.join(leases, name));
  }
}

/** When a live process began, in clock ticks since boot; with the pid it names a process for good. */
async function startTime(pid: number, command?: string): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  const [, name, rest] = /^\d+ \((.*)\) (.*)$/s.exec(stat ?? '') ?? []; // proc(5): pid (comm) state …
  const fields = rest?.split(' ') ?? [];
  const dead = fields[0] === 'Z' || fields[0] === 'X';
  return dead || (command !== undefined && name !== command) ? undefined : fields[19];
}

/** One test process at a time. The kernel frees an abstract socket with its process, so no lock is ever stale. */
async function exclusively<T>(body: () => Promise<T>): Promise<T> {
  let server: Server | undefined;
  await until('the lock on pkcsslotd is free', async () => {
    server = await listen('\0holdfast-tests-pkcsslotd');
    return server !== undefined;
  });
  try {
    return await body();
  } finally {
    await new Promise((resolve) => server?.close(resolve));
  }
}

function listen(name: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((connection) => connection.destroy());
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(name, () => resolve(server));
  });
}

function daemonAnswers(): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(socketFile);
    connection.once('connect', () => resolve(true)).once('error', () => resolve(false));
    connection.once('connect', () => connection.destroy());
  });
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + deadline;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await sleep(25);
  }
}
