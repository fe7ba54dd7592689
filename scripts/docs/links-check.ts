import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

const link = /\]\(([^)\s]+)\)/g;
const sourcePath = /`((?:src|scripts|test|bench|chaos|native-config|softhsm|packaging)\/[^`\s]*)`/g;

/** `docs/operations.md, TLS`, as texts for people and comments name a page; the heading may be quoted. */
const namedPage = /\bdocs\/([a-z-]+\.md)(?:, ("[^"]+"|[A-Z][^).,:;'"`\n]*))?/g;

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

/** What of the checkout has texts and remarks of ours beside the pages. */
const sources = ['bin', 'demo', 'native-config', 'packaging', 'scripts', 'simulator', 'softhsm', 'src'];
const sourceFiles = ['Dockerfile', 'Makefile', 'docker-compose.yml', 'docker-compose.aws.yml'];

/** Pages and headings that our sources send people to, in errors and remarks, and that are not there. */
export function brokenPageNames(root: string): string[] {
  const inDirectories = sources.flatMap((directory) =>
    readdirSync(path.join(root, directory), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name))),
  );
  return [...inDirectories, ...sourceFiles].flatMap((file) =>
    pagesNamedIn(root, readFileSync(path.join(root, file), 'utf8')).map((problem) => `${file}: ${problem}`),
  );
}

/** What it says that is not there, and why. */
export function pagesNamedIn(root: string, text: string): string[] {
  return [...text.matchAll(namedPage)].flatMap(([whole, page = '', quoted]) => {
    const file = path.join(root, 'docs', page);
    if (!existsSync(file)) return [`${whole} is not there`];
    const heading = quoted?.replaceAll('"', '').trim();
    const isThere = heading === undefined || headingsOf(readFileSync(file, 'utf8')).has(slugOf(heading));
    return isThere ? [] : [`${whole}: the page has no such heading`];
  });
}

function leadsSomewhere(root: string, page: string, target: string): boolean {
  const [file = '', heading] = target.split('#');
  const found = file === '' ? path.join(root, page) : path.join(root, path.dirname(page), file);
  if (!existsSync(found)) return false;
  return heading === undefined || headingsOf(readFileSync(found, 'utf8')).has(heading);
}

function headingsOf(text: string): Set<string> {
  return new Set([...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => slugOf(heading)));
}

/** As GitHub names it. */
function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
}
