/*
 * An oxlint plug-in with two rules. `edits`: a record with an ETag is changed in src/vault/edit-record.ts only, where each
 * change is of the version that was read, and a new version unless it is a note. `wanted`: a record of what is wanted in AWS is
 * changed by the controller only, under the term of a lease; .oxlintrc.json names the files whose acts say what is wanted.
 */
const records = [
  'vaults',
  'users',
  'api_keys',
  'admin_groups',
  'oidc_providers',
  'settings',
  'csp_accounts',
  'key_sets',
  'cloud_keys',
  'xks_credentials',
  'external_key_stores',
  'kms_keys',
];

const message =
  'a record with an ETag is changed by editRecord, bumpRecord(s), saveRecord or noteOn of src/vault/edit-record.ts';

const table = String.raw`(?:["\x60[]?main["\x60\]]?\.)?["\x60[]?(?:${records.join('|')})\b`;
const update = new RegExp(
  [
    String.raw`\bUPDATE\s+(?:OR\s+\w+\s+)?${table}`,
    String.raw`\bREPLACE\s+INTO\s+${table}`,
    String.raw`\bINSERT\s+(?:OR\s+\w+\s+)?INTO\s+${table}[^;]*\bDO\s+UPDATE\b`,
  ].join('|'),
  'i',
);
/** Whose table is put in where the text stops. */
const updateOfWhat = /\b(?:UPDATE(?:\s+OR\s+\w+)?|REPLACE\s+INTO)\s+$/i;
const version = /\brow_version\s*=/;

/** Of `users`, `main.users` and `users as u`, alone or among others; and of what only shows when it runs. */
function isRecord(node) {
  if (node?.type === 'ArrayExpression') return node.elements.some(isRecord);
  if (typeof node?.value !== 'string') return true;
  const [name] = node.value.trim().split(/\s/);
  return records.includes(name.replace(/^main\./, ''));
}

/** Also where it is written `trx['updateTable']`. */
const called = (node) => node?.callee?.property?.name ?? node?.callee?.property?.value;

/** The table of the INSERT that a call is in the chain of. */
function tableOfInsert(node) {
  let inner = node.callee.object;
  while (inner && called(inner) !== 'insertInto') inner = inner.callee?.object;
  return inner?.arguments[0];
}

/** The table of the INSERT that a `doUpdateSet` belongs to. */
function tableOfConflict(node) {
  let outer = node.parent;
  while (outer && called(outer) !== 'onConflict') outer = outer.parent;
  return outer && tableOfInsert(outer);
}

const updates = new Set(['updateTable', 'mergeInto', 'replaceInto']);

const edits = {
  create: (context) => {
    const mayBeSql = !/[\\/]src[\\/]store[\\/]/.test(context.filename);
    const checkSql = (node, text) => {
      if (version.test(text) || (mayBeSql && update.test(text))) context.report({ node, message });
    };
    return {
      CallExpression(node) {
        const name = called(node);
        const [first] = node.arguments;
        if (
          (updates.has(name) && isRecord(first)) ||
          (name === 'orReplace' && isRecord(tableOfInsert(node))) ||
          (name === 'doUpdateSet' && isRecord(tableOfConflict(node))) ||
          (name === 'where' && typeof first?.value === 'string' && /(?:^|\.)row_version$/.test(first.value))
        )
          context.report({ node, message });
      },
      Literal(node) {
        if (typeof node.value === 'string') checkSql(node, node.value);
      },
      TemplateElement(node) {
        checkSql(node, node.value.raw);
        if (!node.tail && mayBeSql && updateOfWhat.test(node.value.raw)) context.report({ node, message });
      },
    };
  },
};

const wantedTables = new Set(['csp_accounts', 'external_key_stores', 'kms_keys']);
const changes = new Set(['editRecord', 'bumpRecord', 'bumpRecords', 'saveRecord', 'noteOn']);

const wantedMessage =
  'what is wanted in AWS, and how far it has come, is recorded by the controller: record of src/cloud/controller';

const wanted = {
  create: (context) => ({
    CallExpression(node) {
      const [, table] = node.arguments;
      // One that only shows when it runs may be any.
      if (changes.has(node.callee?.name) && (table?.type !== 'Literal' || wantedTables.has(table.value)))
        context.report({ node, message: wantedMessage });
    },
    // Under another name the calls would not be seen.
    ImportSpecifier(node) {
      if (changes.has(node.imported?.name) && node.local.name !== node.imported.name)
        context.report({ node, message: wantedMessage });
    },
    Identifier(node) {
      const { type, callee } = node.parent;
      if (changes.has(node.name) && type !== 'ImportSpecifier' && callee !== node)
        context.report({ node, message: wantedMessage });
    },
  }),
};

export default { meta: { name: 'records' }, rules: { edits, wanted } };
