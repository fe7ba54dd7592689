import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import test from 'ava';
import { parse } from 'yaml';
import { createCommand } from '../../simulator/command.ts';
import { loadConfig } from '../../src/config/load.ts';
import { freePort } from '../../testing/free-port.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { asNobody, own } from '../../testing/postgres.ts';
import { waitUntil } from '../support/steady-load.ts';

/*
 * docker-compose.fleet.yml, as far as it goes without a container engine: all that it names is there, and what its services run is run
 * here, as a user that is not root, with the paths of this machine in place of those of the image.
 */

const root = path.resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

interface Service {
  image: string;
  build: { context: string; target: string };
  entrypoint?: string[];
  command?: string[];
  depends_on?: Record<string, { condition: string }>;
  ports?: string[];
  volumes?: string[];
  secrets?: string[];
  network_mode?: string;
  networks?: Record<string, { ipv4_address?: string }>;
  healthcheck?: { test?: string[]; disable?: boolean };
  stop_grace_period?: string;
}
interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
  secrets: Record<string, unknown>;
  networks: { default: { ipam: { config: { subnet: string }[] } } };
}

const read = async (file: string) => readFile(path.join(root, file), 'utf8');
const compose = parse(await read('docker-compose.fleet.yml'), { merge: true }) as Compose;
const services = Object.entries(compose.services);

test('each service of the fleet has an image, files, volumes and neighbours that there are', async (t) => {
  const dockerfile = await read('Dockerfile');
  t.deepEqual(Object.keys(compose.services).toSorted(), [
    ...['aws', 'database', 'load-balancer', 'node-1', 'node-2', 'prepare', 'xks-ca'],
  ]);
  for (const [name, service] of services) {
    t.true(dockerfile.includes(`FROM`) && dockerfile.includes(` AS ${service.build.target}\n`), name);
    const [program = ''] = service.entrypoint ?? [];
    if (program.startsWith('/opt/holdfast/')) {
      const file = program.slice('/opt/holdfast/'.length);
      t.true(((await stat(path.join(root, file))).mode & 0o111) === 0o111, `${file} can be run`);
      t.true(dockerfile.includes(file), `${file} is in the image`);
    }
    for (const volume of service.volumes ?? []) {
      const [source = '', , mode] = volume.split(':');
      if (!source.startsWith('.')) t.true(source in compose.volumes, volume);
      else {
        t.true((await stat(path.join(root, source))).isFile(), volume);
        t.is(mode, 'ro', volume);
      }
    }
    for (const secret of service.secrets ?? []) t.true(secret in compose.secrets, secret);
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      t.true(other in compose.services, `${name} after ${other}`);
      // What is waited for to end is nothing that goes on.
      t.is(condition === 'service_completed_successfully', ['prepare', 'xks-ca'].includes(other), other);
    }
    for (const port of service.ports ?? [])
      t.true(port === '8443:8443' || port.startsWith('127.0.0.1:'), `${name} publishes ${port}`);
  }
  const ignored = (await read('.dockerignore')).split('\n');
  t.true(ignored.includes('!softhsm/fleet'));
});

test('the files for Compose have what Compose takes, and nothing else', async (t) => {
  // The schema of the Compose Specification, Apache-2.0: github.com/compose-spec/compose-spec, 170098b, schema/compose-spec.json.
  const { $schema: _, ...schema } = JSON.parse(await read('test/vectors/compose-spec.json')) as {
    $schema: string;
  };
  const ajv = new Ajv({ strict: false });
  formats.default(ajv);
  const isCompose = ajv.compile(schema);
  const files = (await readdir(root)).filter((name) => /^docker-compose.*\.yml$/.test(name));
  t.true(files.includes('docker-compose.fleet.yml'));
  for (const file of files) {
    t.true(
      isCompose(parse(await read(file), { merge: true })),
      `${file}: ${ajv.errorsText(isCompose.errors)}`,
    );
  }
  for (const wrong of [{ depend_on: [] }, { ports: { 1: 2 } }, { restart: true }])
    t.false(isCompose({ services: { a: wrong } }), JSON.stringify(wrong));
});

test('each port that is published, program that is run and health that is waited for is there', async (t) => {
  const dockerfile = await read('Dockerfile');
  const simulator = createCommand(() => undefined);
  const { unknown, operands } = simulator.parseOptions(compose.services['aws']?.command ?? []);
  t.deepEqual([...unknown, ...operands], []);
  const [, balancer] = /^ {4}bind :(\d+)$/m.exec(await read('softhsm/fleet/haproxy.cfg')) ?? [];
  const listens: Record<string, unknown> = {
    'load-balancer': balancer,
    aws: simulator.opts<{ port: string }>().port,
  };
  // Of Debian; the other is in every image of it.
  const packages: Record<string, string> = { haproxy: 'haproxy', pg_isready: 'postgresql', cp: '' };
  const [fleetStage = ''] = /AS fleet\n[^]*?\nUSER 10001/.exec(dockerfile) ?? [];
  for (const [name, service] of services) {
    const { ports = [], entrypoint = [], healthcheck, depends_on = {} } = service;
    // Those of the nodes are looked at where they have all that their configuration names.
    if (!name.startsWith('node-'))
      for (const port of ports) t.is(port.split(':').at(-1), String(listens[name]), name);
    for (const program of [entrypoint[0], healthcheck?.test?.[1]]) {
      if (program === undefined || program.startsWith('/opt/holdfast/')) continue;
      const debian = packages[program];
      t.true(debian !== undefined && fleetStage.includes(debian), `${name}: ${program}`);
    }
    for (const [other, { condition }] of Object.entries(depends_on))
      if (condition === 'service_healthy') t.not(compose.services[other]?.healthcheck?.disable, true, other);
  }
  for (const volume of Object.keys(compose.volumes))
    t.true(
      services.some(([, { volumes = [] }]) =>
        volumes.some((one) => one.startsWith(`${volume}:`) && !one.endsWith(':ro')),
      ),
      `somebody writes ${volume}`,
    );
});

test('the nodes trust the load balancer that there is, and differ in their state directories alone', async (t) => {
  const [one, two] = [await read('softhsm/fleet/node-1.toml'), await read('softhsm/fleet/node-2.toml')];
  t.is(one.replaceAll('node-1', 'node-2'), two);
  const address = compose.services['load-balancer']?.networks?.['default']?.ipv4_address ?? '';
  t.true(one.includes(`proxy_protocol_from = ["${address}"]`));
  const [{ subnet } = { subnet: '' }] = compose.networks.default.ipam.config;
  t.true(address.startsWith(subnet.replace(/0\/24$/, '')), subnet);
  const haproxy = await read('softhsm/fleet/haproxy.cfg');
  const names = [...haproxy.matchAll(/^ {4}server (\S+) (\S+):8443$/gm)].map(([, , host]) => host);
  t.deepEqual(names, ['node-1', 'node-2']);
  const example = await read('packaging/haproxy.cfg');
  const checks = (text: string) =>
    text.match(/^ {4}(?:option httpchk|http-check.*|retries.*|option redis.*)$/gm);
  t.deepEqual(checks(haproxy), checks(example));
});

test('what the services run makes a database with TLS, two nodes of one token that can serve, and a load balancer', async (t) => {
  const state = await mkdtemp(path.join(memoryDirectory(), 'holdfast-fleet-compose-'));
  t.teardown(async () => rm(state, { recursive: true, force: true }));
  await chmod(state, 0o755);
  own(state);
  const port = await freePort();
  const bin = path.join(state, 'bin');
  await mkdir(bin);
  await symlink(path.join(root, 'bin/holdfast'), path.join(bin, 'holdfast'));
  await writeFile(path.join(state, 'token-pin'), 'a pin of a test', { mode: 0o400 });
  own(path.join(state, 'token-pin'));
  const conf = (await read('softhsm/softhsm2.conf')).replaceAll('/var/lib/holdfast', state);
  await writeFile(path.join(state, 'softhsm2.conf'), conf);
  const env = {
    ...{
      PATH: `${bin}:${process.env['PATH']}`,
      STATE: state,
      SOCKET_DIR: state,
      PORT: String(port),
      LISTEN: '127.0.0.1',
    },
    ...{ CREDENTIALS_DIRECTORY: state, SOFTHSM2_CONF: path.join(state, 'softhsm2.conf'), HOME: state },
  };
  const as = async (...words: [string, ...string[]]) => run(...asNobody(words), { env });
  const script = (name: string) => path.join(root, 'softhsm/fleet', name);

  const prepared = await as(script('prepare'));
  t.regex(prepared.stdout, /made .*ca\.pem and a certificate/);
  const again = await as(script('prepare'));
  t.regex(again.stdout, /token holdfast is there already/);
  t.is((await stat(path.join(state, 'database-password'))).mode & 0o777, 0o600);

  const database = spawn(...asNobody([script('database')]), { env, stdio: 'ignore' });
  const ended = once(database, 'exit');
  t.teardown(async () => {
    database.kill('SIGINT');
    await ended;
  });
  await waitUntil(async () => {
    if (database.exitCode !== null) throw new Error('the database has ended');
    return run('pg_isready', ['--quiet', `--host=${state}`, `--port=${port}`]).then(
      () => true,
      () => false,
    );
  });

  for (const [name, made] of [
    ['node-1', /first password/],
    ['node-2', /up to date/],
  ] as const) {
    const file = path.join(state, `${name}.toml`);
    const text = (await read(`softhsm/fleet/${name}.toml`))
      .replaceAll('/var/lib/holdfast-trust/aws-ca.pem', path.join(state, 'tls/ca.pem'))
      .replaceAll('/var/lib/holdfast', state)
      .replace('address = "database"', `address = "localhost"\nport = ${port}`);
    await writeFile(file, text);
    t.regex((await as('holdfast', '--config', file, 'init')).stdout, made);
    t.is((await as('holdfast', '--config', file, 'serve', '--check')).stdout, `${file}: fine\n`);
    const { admin, xks } = loadConfig(file);
    const { ports = [], stop_grace_period: grace = '' } = compose.services[name] ?? {};
    t.deepEqual(
      ports.map((one) => one.split(':').at(-1)),
      [String(admin.port)],
    );
    t.true(Number.parseInt(grace, 10) * 1000 > xks.drain_ms, grace);
  }

  const balancer = path.join(state, 'haproxy.cfg');
  await writeFile(balancer, (await read('softhsm/fleet/haproxy.cfg')).replaceAll('/var/lib/holdfast', state));
  await t.notThrowsAsync(run('/usr/sbin/haproxy', ['-c', '-f', balancer]));
});
