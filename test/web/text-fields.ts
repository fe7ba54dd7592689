import { openApi, type SchemaNode } from '../../src/admin/openapi/document.ts';
import { allRoutes } from '../../src/admin/routes.ts';

/*
 * Every text that the API takes, from its own document: what is not narrowed to a form there is planted with markup in the
 * vault whose pages are gone through (test/web/furnished.ts), or is told here with what narrows it.
 */

/** Texts in which no markup comes to a page, and what keeps it out. */
const narrowed: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      ...['password', 'currentPassword', 'newPassword', 'code', 'clientSecret', 'secretAccessKey'],
      ...['fingerprint', 'called', 'keyArn', 'connectionError', 'to'],
    ].map((field) => [field, 'is never shown as it was sent: a secret, or compared with what is there']),
  ),
  ...Object.fromEntries(
    [
      ...[
        'accessKeyId',
        'roleArn',
        'administrators',
        'users',
        'defaultRegion',
        'region',
        'alias',
        'kmsKey.alias',
      ],
      ...['tags', 'kmsKey.tags', 'vpcEndpointServiceName', 'uriEndpoint', 'externalKeyId', 'pathPrefix'],
    ].map((field) => [field, 'the characters that AWS takes there']),
  ),
  ...Object.fromEntries(
    ['token', 'tokens', 'label'].map((field) => [
      field,
      'one that there is: of the configuration, or in the token',
    ]),
  ),
  ...Object.fromEntries(
    ['administrator.email', 'email', 'from', 'host', 'username', 'caCertificates'].map((field) => [
      field,
      'an address, a name without spaces, or PEM',
    ]),
  ),
  'administrator.name':
    'the appliance’s to tell: its list of vaults is looked at for it, by whoever else is not',
  clientId: 'kept with a provider that answers, and of those there is none here',
  'kmsKey.description': 'the same as `description` of a KMS key',
  'kmsKey.policy': 'the same as `policy` of a KMS key',
};

/** Field by field as JSON has it, those of lists and of free names without either. */
function textFields(): string[] {
  const { paths, components } = openApi(allRoutes, { version: '', serverUrl: 'https://localhost' });
  const found = new Set<string>();
  const look = (node: SchemaNode | boolean | undefined, name: string): void => {
    if (node === undefined || typeof node === 'boolean') {
      if (node !== false && name !== '') found.add(name);
      return;
    }
    if (node.$ref !== undefined) return look(components.schemas[node.$ref.replace(/^.*\//, '')], name);
    // A pattern that says what is not in a text leaves it one.
    const pattern = node.pattern?.startsWith('^[^') === true ? undefined : node.pattern;
    const isNarrow = [node.enum, node.const, node.format, pattern].some((one) => one !== undefined);
    if (node.type === 'string' && !isNarrow) found.add(name);
    for (const one of [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])]) look(one, name);
    for (const one of [node.items, ...(node.prefixItems ?? [])]) if (one !== undefined) look(one, name);
    for (const [field, one] of Object.entries(node.properties ?? {}))
      look(one, name === '' ? field : `${name}.${field}`);
    if (node.additionalProperties !== undefined && node.additionalProperties !== false)
      look(isEmpty(node.additionalProperties) ? true : node.additionalProperties, name);
  };
  for (const item of Object.values(paths))
    for (const { requestBody } of Object.values(item))
      if (requestBody !== undefined) look(requestBody.content['application/json'].schema, '');
  return [...found].toSorted();
}

function isEmpty(node: SchemaNode | boolean): boolean {
  return typeof node === 'object' && Object.keys(node).length === 0;
}

/** Those that may be markup. */
export function freeFields(): string[] {
  return textFields().filter((field) => !(field in narrowed));
}

/** What is narrowed and is no field any more. */
export function goneFields(): string[] {
  const all = textFields();
  return Object.keys(narrowed).filter((field) => !all.includes(field));
}
