import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { OpenApiDocument, Operation, Parameter, SchemaNode } from '../openapi/document.ts';
import { fieldsOf, headingOf, typeOf } from './fields.ts';
import { behaviour, look } from './static.ts';

/*
 * The OpenAPI document as a page for people: everything is in the text, so that the browser's own search finds it too, and
 * the field at its top leaves what has all words that are typed. It loads nothing and talks to nobody.
 */

const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Content-Security-Policy of the page: its one script and its one style sheet, by hash. */
export const referencePolicy = [
  "default-src 'none'",
  `script-src ${hash(behaviour)}`,
  `style-src ${hash(look)}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface Shown {
  method: string;
  path: string;
  operation: Operation;
}

/** The whole page, HTML; made in many turns of the event loop. */
export async function referencePage(document: OpenApiDocument): Promise<string> {
  const { info, tags, paths, components, servers } = document;
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): Shown => ({
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );
  const sections: string[] = [];
  for (const { name, description } of tags) {
    const those = operations.filter(({ operation }) => operation.tags.includes(name));
    const articles = await each(those, operationArticle);
    sections.push(
      `<section id="${anchor(name)}"><h2>${escape(name)}</h2>${words(description)}${articles}</section>`,
    );
  }
  const objects = await each(Object.entries(components.schemas), objectArticle);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(info.title)} ${escape(info.version)}</title>
<style>${look}</style>
</head>
<body>
<header>
<h1>${escape(info.title)}</h1>
<p>Version ${escape(info.version)}, at ${inline(`\`${servers[0]?.url ?? ''}\``)}. The same as data: <a href="openapi.json">openapi.json</a>.</p>
<input id="search" type="search" placeholder="Search operations, paths, fields, problems" aria-label="Search" autofocus>
<p id="found" role="status"></p>
</header>
<nav aria-label="Contents"><ul>${tags.map(({ name }) => `<li><a href="#${anchor(name)}">${escape(name)}</a></li>`).join('')}<li><a href="#objects">Objects</a></li></ul></nav>
<main>
<section id="conventions">${words(info.description)}</section>
${sections.join('\n')}
<section id="objects"><h2>Objects</h2><p>What is sent and answered, by name.</p>${objects}</section>
</main>
<script>${behaviour}</script>
</body>
</html>
`;
}

async function each<T>(items: readonly T[], toHtml: (item: T) => string): Promise<string> {
  let text = '';
  for (const item of items) {
    text += toHtml(item);
    await setImmediate();
  }
  return text;
}

function objectArticle([name, schema]: [string, SchemaNode]): string {
  return `<article><details id="${anchor(headingOf(name))}"><summary><b>${escape(name)}</b></summary>${words(schema.description)}${schemaBody(schema)}</details></article>`;
}

function operationArticle({ method, path, operation }: Shown): string {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  const own = parameters.filter((one): one is Parameter => 'name' in one);
  const headers = parameters.flatMap((one) => ('name' in one ? [] : [one.$ref.split('/').at(-1) ?? '']));
  const body = requestBody?.content['application/json'].schema;
  const parts = [
    words(description),
    own.length === 0
      ? ''
      : `<h4>Parameters</h4>${table(
          ['name', 'in', 'type', 'what it is'],
          own.map((one) => [
            named(one.name, one.required),
            escape(one.in),
            inline(typeOf(one.schema)),
            inline(one.description ?? ''),
          ]),
        )}`,
    headers.length === 0
      ? ''
      : `<p>Headers: ${headers.map((name) => `<code>${escape(headerNames[name] ?? name)}</code>`).join(', ')}.</p>`,
    body === undefined ? '' : `<h4>Body</h4>${schemaBody(body)}`,
    ...Object.entries(responses).map(([status, { description: told, content }]) => {
      const schema = Number(status) < 400 ? content?.['application/json']?.schema : undefined;
      return `<h4>${escape(status)}</h4>${words(told)}${schema === undefined ? '' : schemaBody(schema)}`;
    }),
  ];
  return `<article><details id="${anchor(operationId)}"><summary><span class="method ${method.toLowerCase()}">${method}</span> <code>${escape(path)}</code> <b>${escape(operationId)}</b> ${escape(summary)}</summary>${parts.join('')}</details></article>`;
}

const headerNames: Readonly<Record<string, string>> = {
  IfMatch: 'If-Match (required)',
  IdempotencyKey: 'Idempotency-Key',
};

function schemaBody(schema: SchemaNode): string {
  const fields = fieldsOf(schema);
  if (fields.length === 0) return `<p>${inline(typeOf(schema))}</p>`;
  return table(
    ['field', 'type', 'what it is'],
    fields.map(({ name, type, required, description }) => [
      named(name, required),
      inline(type),
      inline(description),
    ]),
  );
}

function named(name: string, required: boolean): string {
  return `<code>${escape(name)}</code>${required ? '<abbr title="always there">*</abbr>' : ''}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[], tag: string) =>
    `<tr>${row.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<table><thead>${cells(head, 'th')}</thead><tbody>${rows.map((row) => cells(row, 'td')).join('')}</tbody></table>`;
}

/** Paragraphs, of what descriptions have: bold, code and links within the page. */
function words(text: string | undefined): string {
  return (text ?? '')
    .split('\n\n')
    .filter((paragraph) => paragraph !== '')
    .map((paragraph) => `<p>${inline(paragraph)}</p>`)
    .join('');
}

function inline(text: string): string {
  return escape(text)
    .replaceAll(/(`+) ?(.+?) ?\1/g, '<code>$2</code>')
    .replaceAll(/\*\*([^*]+)\*\*/g, '<b>$1</b>')
    .replaceAll(/\[([^\]<]+)\]\(#([\w-]+)\)/g, '<a href="#$2">$1</a>');
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** As GitHub makes it of a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
}
