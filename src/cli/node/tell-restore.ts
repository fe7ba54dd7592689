import type { BackupManifest } from '../../store/backup/format.ts';
import type { Since } from '../../store/backup/restored-store.ts';
import type { TokenContents } from '../../reconcile/restored-keys.ts';
import { contentsOf } from './backup-contents.ts';
import { isForPrograms, type OutputOptions } from '../output/output-options.ts';
import { printData } from '../output/output.ts';
import { printable } from '../output/printable.ts';
import type { Restored } from './restored.ts';
import { print } from '../output/streams.ts';
import { counted } from '../../counted.ts';

/** So many of a kind are named. */
const maxNamed = 20;

/** What a backup holds, and what of it the tokens have; `tokens` undefined where they were not asked. */
export function printCheck(
  file: string,
  manifest: BackupManifest,
  tokens: readonly TokenContents[] | undefined,
  options: OutputOptions,
): void {
  if (isForPrograms(options)) {
    printData({ file, manifest, tokens: tokens ?? null }, options);
    return;
  }
  for (const line of aboutBackup(manifest)) print(line);
  print('The file is whole: its digest is right, and a store of this version can be made of it.');
  if (tokens === undefined) print('Whether the tokens have its keys was not looked at.');
  for (const line of aboutTokens(tokens ?? [])) print(line);
}

export function printRestored(restored: Restored, options: OutputOptions): void {
  const { manifest, tokens, adjusted, replaced } = restored;
  if (isForPrograms(options)) {
    printData(restored, options);
    return;
  }
  const lines = [
    ...aboutBackup(manifest),
    'It is in place.',
    ...(replaced === undefined
      ? []
      : [
          `The store that was there is kept as ${replaced.keptAs}${replaced.damaged === undefined ? '' : `; it could not be read: ${replaced.damaged}`}.`,
        ]),
    ...aboutTokens(tokens),
    adjusted.since === 'known' && adjusted.withheld.length === 0
      ? 'Nothing was taken away since the backup was made, as the store that was there says.'
      : aboutSince[adjusted.since],
    ...named(adjusted.withheld, ({ kind, name, what }) => `${kind} ${name} ${what}`),
    ...(adjusted.lost.length === 0
      ? []
      : [
          'Made since the backup, and not in it:',
          ...named(adjusted.lost, ({ kind, name }) => `${kind} ${name}`),
        ]),
    adjusted.lastAuditEvent === undefined
      ? `Audit events after number ${manifest.lastAuditEvent} are not in it; new ones begin at ${adjusted.resumesAt}.`
      : `Audit events ${manifest.lastAuditEvent + 1} to ${adjusted.lastAuditEvent} are in the store that was kept alone; new ones begin at ${adjusted.resumesAt}.`,
    'Everybody has to sign in again. Start the node, then look at: holdfast reconcile list',
  ];
  for (const line of lines) print(printable(line));
}

const aboutSince: Readonly<Record<Since, string>> = {
  known:
    'What was taken away since the backup was made is taken away here too, as the store that was there says:',
  unknown:
    'Nobody knows what was disabled, withdrawn or revoked since the backup was made. So every key set is frozen, and every API key revoked. Before you thaw one: disable again what was disabled, withdraw what was withdrawn, and disable the people who have left (docs/backup.md):',
  ignored:
    'Nothing is withheld, as you asked: what was disabled, frozen, withdrawn or revoked since the backup was made is usable again, and people who were dismissed may sign in.',
};

function aboutBackup(manifest: BackupManifest): string[] {
  const { takenAt, holdfast, node, sha256 } = manifest;
  return [
    `A backup as of ${takenAt}, made by Holdfast ${holdfast} on ${node.hostname}, SHA-256 ${sha256}:`,
    `  ${contentsOf(manifest)}`,
  ];
}

function aboutTokens(tokens: readonly TokenContents[]): string[] {
  return tokens.flatMap(({ token, proven, opened, missing, notAsked }) => [
    `Token ${token}: has the ${proven === 1 ? 'key' : 'keys'} of ${counted(proven, 'version')}, and opens ${counted(opened, 'secret')}${missing.length === 0 ? '' : `; ${counted(missing.length, 'is', 'are')} missing:`}`,
    ...named(missing, (what) => what),
    ...notAsked.map((why) => `  Not asked, since another member of its HSM group stands in: ${why}`),
  ]);
}

function named<T>(all: readonly T[], inWords: (one: T) => string): string[] {
  const lines = all.slice(0, maxNamed).map((one) => `  ${inWords(one)}`);
  return all.length > maxNamed ? [...lines, `  and ${all.length - maxNamed} more (--json names all)`] : lines;
}
