import test from 'ava';
import { openApi } from '../../src/admin/openapi/document.ts';
import { allRoutes } from '../../src/admin/routes.ts';
import { labelOf } from '../../src/cli/output/said.ts';

/** Names of the fields of each object in a JSON schema, at any depth. */
function objectsIn(schema: unknown): string[][] {
  if (schema === null || typeof schema !== 'object') return [];
  const { properties } = schema as { properties?: unknown };
  const own = properties !== null && typeof properties === 'object' ? [Object.keys(properties)] : [];
  return [...own, ...Object.values(schema).flatMap(objectsIn)];
}

test('no two fields of one record are called the same to people', (t) => {
  const objects = objectsIn(openApi(allRoutes, { version: '0.0.0', serverUrl: 'https://localhost' }));
  t.true(objects.length > 50);
  const doubles = objects.flatMap((fields) => {
    const labels = fields.map(labelOf);
    return fields.filter(
      (_, index) => labels.indexOf(labels[index] ?? '') !== labels.lastIndexOf(labels[index] ?? ''),
    );
  });
  t.deepEqual([...new Set(doubles)], []);
});
