import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

const link = /\]\(([^)\s]+)\)/g;
const sourcePath = /`((?:src|scripts|test|bench|native-config|softhsm|packaging)\/[^`\s]*)`/g;

/** Files and headings that README.md and docs/ name and that are not there. */
export function brokenLinks(root: string): string[] {
  const pages = [
    'README.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    ...readdirSync(path.join(root, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ];
  return pages.flatMap((page) => {
    const text = readFileSync(path.join(root, page), 'utf8');
    const targets = [...text.matchAll(link)].map(([, target = '']) => target);
    const paths = [...text.matchAll(sourcePath)].map(([, target = '']) => target);
    const deadLinks = targets
      .filter((target) => !/^[a-z]+:/.test(target) && !leadsSomewhere(root, page, target))
      .map((target) => `${page}: the link ${target} leads nowhere`);
    const missingFiles = paths
      .filter((target) => !existsSync(path.join(root, target)))
      .map((target) => `${page}: ${target} is not there`);
    return deadLinks.concat(missingFiles);
  });
}

function leadsSomewhere(root: string, page: string, target: string): boolean {
  const [file = '', heading] = target.split('#');
  const found = file === '' ? path.join(root, page) : path.join(root, path.dirname(page), file);
  if (!existsSync(found)) return false;
  return heading === undefined || headingsOf(readFileSync(found, 'utf8')).has(heading);
}

/** As GitHub names them. */
function headingsOf(text: string): Set<string> {
  return new Set(
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
