import type { Block } from '../../scripts/docs/blocks.ts';

/*
 * Which test types which blocks of the pages. A test gets its blocks from here and nowhere else (typing.ts), and
 * inventory.test.ts fails for a block that nobody has.
 */

export interface Typing {
  /** The file of the test, relative to the checkout. */
  test: string;
  page: string;
  /** Only what stands beneath one of these headings, at any depth. */
  beneath?: readonly string[];
  /** And not what stands beneath these. */
  notBeneath?: readonly string[];
  /** Only where the text has this, or has it not. */
  containing?: string;
  notContaining?: string;
  /** What stands after the fence: shell to be typed, unless this says otherwise. */
  infos?: readonly string[];
}

export const typings: readonly Typing[] = [
  {
    test: 'test/cli/guide.test.ts',
    page: 'docs/guide.md',
    infos: ['sh', 'sh aws', 'sh aws refused', 'sh doctor'],
  },
  { test: 'test/cli/guide.test.ts', page: 'docs/api-examples.md' },
  { test: 'test/cli/runbook.test.ts', page: 'docs/runbook.md' },
  { test: 'test/cli/backup-page.test.ts', page: 'docs/backup.md' },
  { test: 'test/cli/aws-page.test.ts', page: 'README.md', beneath: ['Connecting AWS'] },
  { test: 'test/cli/aws-page.test.ts', page: 'docs/aws.md' },
  {
    test: 'test/cli/aws-page.test.ts',
    page: 'docs/doctor.md',
    notContaining: '.holdfast/quickstart',
  },
  { test: 'test/cli/aws-page.test.ts', page: 'docs/kubernetes.md' },
  { test: 'test/cli/aws-page.test.ts', page: 'docs/migration.md', infos: ['sh', 'python'] },
  { test: 'test/cli/audit-archive.test.ts', page: 'docs/operations.md', beneath: ['The audit trail'] },
  {
    test: 'test/cli/installed-node.test.ts',
    page: 'docs/installation.md',
    infos: ['sh', 'sh terminal', 'sh nshield', 'sh softhsm'],
  },
  {
    test: 'test/cli/installed-node.test.ts',
    page: 'docs/operations.md',
    notBeneath: ['The audit trail'],
    infos: ['sh', 'text'],
  },
  { test: 'test/cli/installed-node.test.ts', page: 'docs/guide.md', infos: ['sh terminal', 'sh node'] },
  { test: 'test/cli/installed-node.test.ts', page: 'docs/troubleshooting.md' },
  { test: 'test/cli/installed-node.test.ts', page: 'docs/configuration.md' },
  { test: 'test/cli/token-probe.test.ts', page: 'docs/profiles.md' },
  {
    test: 'test/cli/quickstart-simulator.test.ts',
    page: 'README.md',
    beneath: ['Two commands', 'One request'],
    notContaining: 'make test',
    infos: ['sh', 'json'],
  },
  {
    test: 'test/cli/quickstart-simulator.test.ts',
    page: 'docs/doctor.md',
    containing: '.holdfast/quickstart',
  },
  {
    test: 'test/cli/quickstart-simulator.test.ts',
    page: 'docs/simulator.md',
    notContaining: 'docker compose',
    infos: ['sh', 'text', 'ts'],
  },
  { test: 'test/docs/contributing.test.ts', page: 'CONTRIBUTING.md', containing: 'bin/ava' },
];

/** Blocks each line of which a script of `make test` runs as it stands, or in the form of `as`. */
export interface Step {
  page: string;
  /** How its text begins: exactly one block of the page does. */
  begins: string;
  script: string;
  as?: string;
}

export const steps: readonly Step[] = [
  {
    page: 'README.md',
    begins: 'sudo apt-get update',
    script: 'scripts/bare/machine',
    as: 'packages=make,git,ca-certificates',
  },
  { page: 'README.md', begins: 'make demo', script: 'scripts/bare/machine' },
  { page: 'README.md', begins: 'make up', script: 'scripts/bare/machine' },
  { page: 'CONTRIBUTING.md', begins: 'make test', script: 'scripts/bare/machine' },
  { page: 'CONTRIBUTING.md', begins: 'node_modules/.bin/tsc', script: 'scripts/check' },
];

/** Blocks of shell that no test can type, each with what it needs. They are parsed all the same: shell.ts. */
export interface Excuse {
  page: string;
  /** How its text begins: exactly one block of the page does. */
  begins: string;
  needs: string;
}

export const excuses: readonly Excuse[] = [
  {
    page: 'docs/performance.md',
    begins: '{',
    needs: 'another XKS proxy, with its address and what opens it',
  },
  {
    page: 'docs/simulator.md',
    begins: 'docker compose -f docker-compose.yml -f docker-compose.aws.yml',
    needs: 'a container engine with Compose',
  },
  {
    page: 'docs/containers.md',
    begins: 'commit=$(git describe',
    needs: 'a container engine, and the registries of Docker, Debian and npm',
  },
  {
    page: 'docs/containers.md',
    begins: 'docker buildx imagetools inspect',
    needs: 'a container engine and the registry of Docker',
  },
  {
    page: 'docs/containers.md',
    begins: 'openssl rand -hex 16 > softhsm/token-pin',
    needs: 'a container engine with Compose',
  },
  {
    page: 'docs/containers.md',
    begins: 'docker compose -f docker-compose.fleet.yml up',
    needs: 'a container engine with Compose; test/cli/fleet-compose.test.ts runs what its services run',
  },
  {
    page: 'docs/containers.md',
    begins: 'debootstrap --variant=minbase',
    needs:
      'buildah, the registries of Debian and npm, and minutes; the image that it makes is built and looked at by hand',
  },
];

export function isCoveredBy(typing: Typing, block: Block): boolean {
  const { page, beneath, notBeneath = [], containing = '', notContaining, infos } = typing;
  return (
    block.page === page &&
    (beneath === undefined || beneath.some((heading) => block.headings.includes(heading))) &&
    !notBeneath.some((heading) => block.headings.includes(heading)) &&
    block.text.includes(containing) &&
    (notContaining === undefined || !block.text.includes(notContaining)) &&
    (infos === undefined ? /^sh( |$)/.test(block.info) : infos.includes(block.info))
  );
}
