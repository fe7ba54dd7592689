import { spawn } from 'node:child_process';
import { chmod, chown, lstat, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

// opencryptoki 3.8 has one slot daemon and one soft token a machine, at fixed paths. (PKCS_APP_STORE looks like
// a way out and is none: with it 3.8.1 writes NVTOK.DAT and the master keys into `/`.) So one test process at a
// time holds the token; meanwhile a link leads from the token's folder to the fixture's, and what was there waits
// beside it.
const store = '/var/lib/opencryptoki/swtok';
const storeKept = '/var/lib/opencryptoki/swtok.kept-by-holdfast-tests';
const lockDirectory = '/var/lock/opencryptoki';
const startedFile = path.join(lockDirectory, 'started-by-holdfast-tests');
const pidFile = '/var/run/pkcsslotd.pid';
/** However busy the machine is, the daemon has begun or ended by then, milliseconds. */
const stuck = 60_000;
/** The library caches the token's data here, under the store's path with dots for slashes. */
const sharedMemory = '/dev/shm/var.lib.opencryptoki.swtok';
/** Left by the TPM token's library, which every C_Initialize tries to load as well. */
const sharedMemoryOfTpm = '/dev/shm/var.lib.opencryptoki.tpm.root';

/**
 * Makes `directory` the store of the machine's soft token and the daemon run, until the returned function is
 * called. Waits for other test processes; a second call in the same process waits for the first to be given back.
 */
export async function borrowSoftToken(directory: string): Promise<() => Promise<void>> {
  const unlock = await lock();
  const giveBack = async (): Promise<void> => {
    try {
      await stopDaemonIfOurs();
      await restoreStore();
    } finally {
      await unlock();
    }
  };
  try {
    await restoreStore(); // a test process may have died before it could
    await replaceStore(directory);
    await startDaemonIfNone();
    return giveBack;
  } catch (error) {
    await giveBack();
    throw error;
  }
}

/** Pid of the running slot daemon, whoever started it. */
export async function slotDaemon(): Promise<number | undefined> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
  const status = pid > 0 ? await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '') : '';
  return /^\d+ \(pkcsslotd\) [^ZX]/.test(status) ? pid : undefined; // proc(5): Z and X are dead
}

async function replaceStore(directory: string): Promise<void> {
  const { gid } = await stat(path.dirname(store));
  for (const folder of [path.join(directory, 'swtok'), path.join(directory, 'swtok', 'TOK_OBJ')]) {
    await mkdir(folder);
    await chown(folder, -1, gid);
    await chmod(folder, 0o770);
  }
  await rename(store, storeKept).catch(ignoreMissing);
  await symlink(path.join(directory, 'swtok'), store);
  await rm(sharedMemory, { force: true });
}

async function restoreStore(): Promise<void> {
  const ours = await lstat(store).then(
    (found) => found.isSymbolicLink(),
    () => false,
  );
  if (ours) await rm(store);
  await rename(storeKept, store).catch(ignoreMissing);
  if (ours) await rm(sharedMemory, { force: true });
}

async function startDaemonIfNone(): Promise<void> {
  if ((await slotDaemon()) !== undefined) return;
  // Debian makes these at boot through systemd-tmpfiles; a container may have none.
  const { gid } = await stat(path.dirname(store));
  for (const folder of ['', 'swtok', 'tpm'].map((name) => path.join(lockDirectory, name))) {
    if ((await mkdir(folder, { recursive: true })) === undefined) continue;
    await chown(folder, -1, gid);
    await chmod(folder, 0o770);
  }
  const daemon = spawn('/usr/sbin/pkcsslotd', { stdio: 'ignore' });
  const code = await new Promise((resolve, reject) => daemon.once('error', reject).once('exit', resolve));
  if (code !== 0) throw new Error(`pkcsslotd ended with ${String(code)}`);
  // It listens before it goes to the background; only the pid file comes later. Never connect to try it: a client
  // that leaves before it has read the slot list makes pkcsslotd 3.8.1 exit.
  await until(stuck, 'pkcsslotd has written its pid', async () => (await slotDaemon()) !== undefined);
  await writeFile(startedFile, String(await slotDaemon()));
}

async function stopDaemonIfOurs(): Promise<void> {
  const started = Number(await readFile(startedFile, 'utf8').catch(() => ''));
  if (!(started > 0)) return;
  if (started === (await slotDaemon())) {
    process.kill(started, 'SIGTERM');
    await until(stuck, 'pkcsslotd ends', async () => (await slotDaemon()) === undefined);
    await rm(sharedMemoryOfTpm, { force: true });
  }
  await rm(startedFile, { force: true });
}

/** The kernel frees an abstract socket with its process, so this lock is never stale. */
async function lock(): Promise<() => Promise<void>> {
  let server: Server | undefined;
  await until(300_000, 'the soft token of opencryptoki is free', async () => {
    server = await listen('\0holdfast-tests-opencryptoki');
    return server !== undefined;
  });
  return () => new Promise((resolve) => server?.close(() => resolve()));
}

function listen(name: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((connection) => connection.destroy());
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(name, () => resolve(server.unref()));
  });
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

async function until(milliseconds: number, what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await sleep(25);
  }
}
