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
  { test: 'test/cli/quickstart-simulator.test.ts', page: 'docs/simulator.md', beneath: ['With make up'] },
];

/** Blocks of shell that no test can type, each with what it needs. They are parsed all the same: shell.ts. */
export interface Excuse {
  page: string;
  /** How its text begins: exactly one block of the page does. */
  begins: string;
  needs: string;
}

export const excuses: readonly Excuse[] = [];

/** Pages that are being brought under this, with how many blocks nobody types yet. It only ever shrinks. */
export const owed: Readonly<Record<string, number>> = {
  'CONTRIBUTING.md': 2,
  'README.md': 8,
  'docs/aws.md': 12,
  'docs/configuration.md': 1,
  'docs/containers.md': 3,
  'docs/doctor.md': 3,
  'docs/guide.md': 5,
  'docs/installation.md': 13,
  'docs/kubernetes.md': 1,
  'docs/migration.md': 2,
  'docs/operations.md': 6,
  'docs/profiles.md': 1,
  'docs/simulator.md': 5,
  'docs/sizing.md': 1,
  'docs/troubleshooting.md': 1,
};

export function isCoveredBy(typing: Typing, block: Block): boolean {
  const { page, beneath, notBeneath = [], infos } = typing;
  return (
    block.page === page &&
    (beneath === undefined || beneath.some((heading) => block.headings.includes(heading))) &&
    !notBeneath.some((heading) => block.headings.includes(heading)) &&
    (infos === undefined ? /^sh( |$)/.test(block.info) : infos.includes(block.info))
  );
}
