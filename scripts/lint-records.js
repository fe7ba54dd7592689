/*
 * An oxlint plug-in with one rule: a record with an ETag is changed in src/vault/edit-record.ts only, where each change is of
 * the version that was read, and a new version unless it is a note.
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

const update = new RegExp(String.raw`\bUPDATE\s+(?:main\.)?(?:${records.join('|')})\b`, 'i');
const version = /\brow_version\s*=/;

function isRecord(node) {
  return node?.type !== 'Literal' || records.includes(node.value);
}

/** The table of the INSERT that a `doUpdateSet` belongs to. */
function tableOfInsert(node) {
  let outer = node.parent;
  while (outer && outer.callee?.property?.name !== 'onConflict') outer = outer.parent;
  let inner = outer?.callee.object;
  while (inner && inner.callee?.property?.name !== 'insertInto') inner = inner.callee?.object;
  return inner?.arguments[0];
}

const edits = {
  create: (context) => {
    const mayBeSql = !/[\\/]src[\\/]store[\\/]/.test(context.filename);
    const checkSql = (node, text) => {
      if (version.test(text) || (mayBeSql && update.test(text))) context.report({ node, message });
    };
    return {
      CallExpression(node) {
        const name = node.callee.property?.name;
        const [first] = node.arguments;
        if (
          (name === 'updateTable' && isRecord(first)) ||
          (name === 'doUpdateSet' && isRecord(tableOfInsert(node))) ||
          (name === 'where' && typeof first?.value === 'string' && /(?:^|\.)row_version$/.test(first.value))
        )
          context.report({ node, message });
      },
      Literal(node) {
        if (typeof node.value === 'string') checkSql(node, node.value);
      },
      TemplateElement(node) {
        checkSql(node, node.value.raw);
      },
    };
  },
};

export default { meta: { name: 'records' }, rules: { edits } };
