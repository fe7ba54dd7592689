import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { PostgresSettings } from '../src/store/postgres/settings.ts';
import { memoryDirectory } from './memory-directory.ts';
import { asNobody, own } from './postgres.ts';

/** A real PgBouncer in front of a server, on a UNIX socket. It ends with this process. */
export async function startPgBouncer(
  server: Pick<PostgresSettings, 'host' | 'port'>,
  { mode, ignoring = [] }: { mode: 'session' | 'transaction'; ignoring?: string[] },
): Promise<{ host: string; stop: () => Promise<void> }> {
  const host = await mkdtemp(path.join(memoryDirectory(), 'holdfast-pgbouncer-'));
  await chmod(host, 0o755);
  own(host);
  const users = path.join(host, 'users');
  await writeFile(users, '"holdfast" ""\n');
  const file = path.join(host, 'pgbouncer.ini');
  await writeFile(
    file,
    `[databases]
* = host=${server.host} port=${server.port}
[pgbouncer]
listen_addr =
listen_port = ${server.port}
unix_socket_dir = ${host}
auth_type = trust
auth_file = ${users}
pool_mode = ${mode}
${ignoring.length === 0 ? '' : `ignore_startup_parameters = ${ignoring.join(',')}`}
`,
  );
  const child = spawn(...asNobody(['/usr/sbin/pgbouncer', file]), { stdio: ['ignore', 'ignore', 'pipe'] });
  const up = Promise.withResolvers<void>();
  let said = '';
  createInterface({ input: child.stderr }).on('line', (line) => {
    said += `${line}\n`;
    if (line.includes('process up')) up.resolve();
  });
  child.once('exit', () => up.reject(new Error(`pgbouncer has ended: ${said}`)));
  child.once('error', up.reject);
  await up.promise;
  return {
    host,
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGQUIT');
      await ended;
      await rm(host, { recursive: true, force: true });
    },
  };
}
