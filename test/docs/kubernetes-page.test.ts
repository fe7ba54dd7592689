import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { parse as parseToml } from 'smol-toml';
import { parse as parseYaml } from 'yaml';
import { blocksOfPage } from '../../scripts/docs/blocks.ts';
import { problemOf } from '../../scripts/docs/commands-check.ts';
import { createProgram } from '../../src/cli/program.ts';
import type { Config } from '../../src/config/config.ts';
import { deployment } from './kubernetes.ts';
import { checkout } from './typing.ts';

const blocks = blocksOfPage(checkout, 'docs/kubernetes.md');
const textIn = (language: string) => blocks.find(({ info }) => info === language)?.text ?? '';
// Kubernetes reads YAML 1.1, in which 0400 is octal.
const { spec } = deployment.parse(parseYaml(textIn('yaml'), { version: '1.1', merge: true }));
const pod = spec.template.spec;
const config = parseToml(textIn('toml')) as unknown as Config;

test('the manifest and the configuration of docs/kubernetes.md are for one another', (t) => {
  const [container] = pod.containers;
  const ports = new Map(container?.ports?.map(({ name, containerPort }) => [name, containerPort]));
  t.is(ports.get('xks'), config.xks.port);
  t.is(ports.get('management'), config.admin.port);

  const mounts = container?.volumeMounts ?? [];
  const mountOf = (file: string) => mounts.find(({ mountPath }) => file.startsWith(`${mountPath}/`));
  for (const file of [config.xks.tls.certificate, config.xks.tls.key]) t.is(mountOf(file)?.name, 'tls', file);
  for (const { pin } of config.token)
    t.is(mountOf(pin !== undefined && 'file' in pin ? pin.file : '')?.name, 'secrets');
  t.is(mountOf('/etc/holdfast/holdfast.toml')?.name, 'configuration');
  // The volume's root is the kubelet's, which opens it to the group.
  const state = mountOf(config.node.state_directory);
  t.is(state?.name, 'state');
  t.is(state?.readOnly, undefined);

  t.true(pod.terminationGracePeriodSeconds * 1000 > config.xks.drain_ms + 7000);
});

test('the manifest runs one pod, as the user of the image, with secrets that the kubelet closes', (t) => {
  t.is(spec.replicas, 1);
  t.is(spec.strategy.type, 'Recreate');
  const dockerfile = readFileSync(path.join(checkout, 'Dockerfile'), 'utf8');
  t.true(dockerfile.includes(`USER ${pod.securityContext.runAsUser}:${pod.securityContext.runAsGroup}`));
  for (const { secret } of pod.volumes) if (secret !== undefined) t.is(secret.defaultMode, 0o400);
});

test('the image is built on a base that is named by its digest, and on nothing else', (t) => {
  const dockerfile = readFileSync(path.join(checkout, 'Dockerfile'), 'utf8');
  t.regex(dockerfile, /^ARG BASE=docker\.io\/library\/node:24\.\d+\.\d+-\w+-slim@sha256:[0-9a-f]{64}$/m);
  const stages = [...dockerfile.matchAll(/^FROM (\S+)(?: AS (\S+))?$/gm)];
  const own = new Set(stages.map(([, , name]) => name));
  for (const [line, base] of stages) t.true(base === '${BASE}' || own.has(base), line);
  t.is([...dockerfile.matchAll(/^FROM\b/gm)].length, stages.length);
});

test('its first container makes the store by a command that is there, and its probes ask what a node answers', (t) => {
  const [init] = pod.initContainers;
  t.is(problemOf(createProgram(), init?.args ?? []), undefined);
  const [container] = pod.containers;
  t.is(container?.livenessProbe?.httpGet.path, '/ping');
  for (const probe of [container?.startupProbe, container?.readinessProbe])
    t.is(probe?.httpGet.path, '/ready');
});
