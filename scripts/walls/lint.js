/*
 * An oxlint plug-in with two rules. `room`: a file imports only what the row of its room in rooms.ts names. It counts every
 * way in which one file comes to another: static, type-only and dynamic imports, re-exports, types by import(), require, and
 * addresses of files that are started as processes or threads (new URL, import.meta.resolve). `table`: a table is written
 * only by the room that tables.ts names, whether by kysely, by src/vault/edit-record.ts or in SQL.
 */
import path from 'node:path';
import { rooms } from './rooms.ts';
import { writers } from './tables.ts';

const covering = Object.keys(rooms)
  .filter((row) => row.endsWith('/**'))
  .map((row) => row.slice(0, -'/**'.length));

/** The row of a file, as in rooms.ts, or undefined. Both paths are from the top of the project. */
export function rowOf(file) {
  if (Object.hasOwn(rooms, file)) return file;
  const folder = path.posix.dirname(file);
  if (Object.hasOwn(rooms, folder)) return folder;
  const around = covering.find((top) => folder === top || folder.startsWith(`${top}/`));
  return around === undefined ? undefined : `${around}/**`;
}

/** Whether `row` is named by one of `names`, each a row, or a folder with all below it, or everything. */
function isNamed(names, row) {
  return names.some((name) => {
    if (name === '**' || name === row) return true;
    if (!name.endsWith('/**')) return false;
    const top = name.slice(0, -'/**'.length);
    return row === top || row.startsWith(`${top}/`);
  });
}

/** What is wrong with that `file` imports `specifier`, or undefined. */
export function complaintOf(file, specifier) {
  const from = rowOf(file);
  if (from === undefined) return `${path.posix.dirname(file)} has no row in scripts/walls/rooms.ts`;
  const { rooms: mayRooms, packages: mayPackages = [] } = rooms[from];
  if (specifier.startsWith('node:')) return undefined;
  if (!specifier.startsWith('.') && !specifier.startsWith('/')) {
    const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
    if (mayPackages.includes('*') || mayPackages.includes(name)) return undefined;
    return `${from} may not import the package ${name}; its packages: ${told(mayPackages)} (scripts/walls/rooms.ts)`;
  }
  const target = path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier));
  const to = rowOf(target) ?? path.posix.dirname(target);
  if (to === from || isNamed(mayRooms, to)) return undefined;
  return `${from} may not import ${to}; its rooms: ${told(mayRooms)} (scripts/walls/rooms.ts)`;
}

function told(names) {
  return names.length === 0 ? 'none' : names.join(', ');
}

const isCode = (specifier) => /\.[cm]?[jt]sx?$/.test(specifier);

const room = {
  create: (context) => {
    const file = path.relative(context.cwd, context.filename).replaceAll(path.sep, '/');
    const check = (node, specifier = node?.value) => {
      if (typeof specifier !== 'string') return;
      const message = complaintOf(file, specifier);
      if (message !== undefined) context.report({ node, message });
    };
    const checkLiteral = (node) => {
      if (node?.type === 'Literal' && typeof node.value === 'string') check(node);
      else if (node !== undefined && node !== null)
        context.report({
          node,
          message: 'what is imported is named by a plain string, so that the walls can be checked',
        });
    };
    return {
      ImportDeclaration: ({ source }) => check(source),
      ExportNamedDeclaration: ({ source }) => check(source),
      ExportAllDeclaration: ({ source }) => check(source),
      ImportExpression: ({ source }) => checkLiteral(source),
      TSImportType: ({ source, argument }) => check(source ?? argument?.literal ?? argument),
      TSExternalModuleReference: ({ expression }) => check(expression),
      MemberExpression({ object, property }) {
        if (!file.startsWith('src/') || object.type !== 'MetaProperty') return;
        if (property.name === 'dirname' || property.name === 'filename')
          context.report({
            node: object,
            message: `a file of ours is named by new URL('./…', import.meta.url), so that the walls see it`,
          });
      },
      NewExpression({ callee, arguments: [address, base] }) {
        if (callee.name !== 'URL' || base?.type !== 'MemberExpression' || base.object.type !== 'MetaProperty')
          return;
        // To an address `x.ts` is what `./x.ts` is to an import.
        if (address?.type === 'Literal' && isCode(String(address.value)))
          check(address, `./${address.value}`);
      },
      CallExpression({ callee, arguments: [first] }) {
        if (callee.name === 'require') checkLiteral(first);
        else if (
          callee.type === 'MemberExpression' &&
          callee.object.type === 'MetaProperty' &&
          callee.property.name === 'resolve'
        )
          checkLiteral(first);
      },
    };
  },
};

/** What writes a table: by which of its arguments the table is named. */
const writes = new Map([
  ...['insertInto', 'updateTable', 'deleteFrom', 'mergeInto', 'replaceInto'].map((name) => [name, 0]),
  // src/vault/edit-record.ts, src/store/cleared-rows.ts
  ...['editRecord', 'bumpRecord', 'bumpRecords', 'saveRecord', 'noteOn'].map((name) => [name, 1]),
  ['rowsOf', 0],
]);
const writing = String.raw`\b(?:(?:INSERT|REPLACE)(?:\s+OR\s+\w+)?\s+INTO|UPDATE(?:\s+OR\s+\w+)?|DELETE\s+FROM)\s+`;
const writtenInSql = new RegExp(
  String.raw`${writing}(?:["\x60[]?main["\x60\]]?\.)?["\x60[]?(${Object.keys(writers).join('|')})\b`,
  'gi',
);
const writesWhat = new RegExp(`${writing}$`, 'i');

const notTold = 'the table that is written is named by a plain string, so that the walls can be checked';

/** What is wrong with that `file` writes `table`, or undefined. */
export function writeComplaintOf(file, table) {
  const [name] = table
    .trim()
    .replace(/^main\./, '')
    .split(/\s/);
  if (!Object.hasOwn(writers, name)) return `${name} has no row in scripts/walls/tables.ts`;
  const from = rowOf(file) ?? path.posix.dirname(file);
  const rooms = [writers[name]].flat();
  if (rooms.includes(from)) return undefined;
  return `${name} is written by ${rooms.join(' and ')} alone, not by ${from}: ask that room (scripts/walls/tables.ts)`;
}

const table = {
  create: (context) => {
    const file = path.relative(context.cwd, context.filename).replaceAll(path.sep, '/');
    if (!file.startsWith('src/') || file.startsWith('src/store/')) return {};
    const check = (node, name) => {
      const message = writeComplaintOf(file, name);
      if (message !== undefined) context.report({ node, message });
    };
    const checkSql = (node, text) => {
      for (const [, name] of text.matchAll(writtenInSql)) check(node, name.toLowerCase());
    };
    return {
      CallExpression({ callee, arguments: given }) {
        const called = callee.name ?? callee.property?.name ?? callee.property?.value;
        const named = given[writes.get(called)];
        if (named === undefined) return;
        if (named.type === 'Literal' && typeof named.value === 'string') check(named, named.value);
        else context.report({ node: named, message: notTold });
      },
      ImportSpecifier(node) {
        if (writes.has(node.imported.name) && node.local.name !== node.imported.name)
          context.report({ node, message: `${node.imported.name} is called by its name: ${notTold}` });
      },
      Literal(node) {
        if (typeof node.value === 'string') checkSql(node, node.value);
      },
      TemplateElement(node) {
        checkSql(node, node.value.raw);
        if (!node.tail && writesWhat.test(node.value.raw)) context.report({ node, message: notTold });
      },
    };
  },
};

export default { meta: { name: 'walls' }, rules: { room, table } };
