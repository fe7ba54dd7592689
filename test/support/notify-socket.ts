import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';

const script = `
import os, socket, sys
name = sys.argv[1]
heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
heard.bind('\\0' + name[1:] if name[0] == '@' else name)
print('listening', flush=True)
while True:
    data, descriptors, _, _ = socket.recv_fds(heard, 4096, 4)
    for descriptor in descriptors: os.close(descriptor)
    if data != b'BARRIER=1': print(data.decode().strip().replace('\\n', ' | '), flush=True)
`;

/** A real datagram socket, as systemd has it for a service, by a file or an abstract name (`@…`). Answers what comes next, its lines joined. */
export async function notifySocket(t: ExecutionContext, name: string): Promise<() => Promise<string>> {
  const child = spawn('python3', ['-c', script, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(async () => {
    child.kill('SIGKILL');
    await once(child, 'close');
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  t.is(await next(), 'listening');
  return next;
}
