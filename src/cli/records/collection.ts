import type { Command } from 'commander';
import type { Item } from '../client/api-client.ts';
import { find, withApi, type Api, type Kind } from '../client/api.ts';
import { withArticle } from '../output/article.ts';
import { example } from '../output/example.ts';
import { printDone, printList, printRecord, type Columns } from '../output/output.ts';
import { isWide } from '../output/output-options.ts';
import { named, type Reference } from './named.ts';
import { confirm } from '../client/prompt.ts';
import { limitOption, yesOption } from '../output/values.ts';

/** Things of one kind that the API lists, and the command of the same name. */
export interface Collection {
  /** Such as `key set`. */
  what: string;
  /** Such as `key-set`. */
  command: string;
  /** Their list, under /api/v1. */
  path: (api: Api) => string;
  columns: Columns<Item>;
  /** Ids in them, for which people are told names. */
  references?: (api: Api) => readonly Reference[];
  /** Field that people know them by; `name` unless given. */
  by?: string;
  anyCase?: boolean;
  /** Query parameter that asks for names beginning so, where the list has one. */
  filter?: string;
  /** A name for the examples. */
  sample: string;
}

export type Found = Item & { id: string };

export function kindOf(api: Api, { what, command, path, by, anyCase, filter }: Collection): Kind {
  return {
    what,
    path: path(api),
    listedBy: `holdfast ${command} list`,
    ...(by === undefined ? {} : { by }),
    ...(anyCase === undefined ? {} : { anyCase }),
    ...(filter === undefined ? {} : { filter }),
  };
}

/** One of them by name or id. */
export async function findOne(api: Api, collection: Collection, nameOrId: string): Promise<Found> {
  return find(api, kindOf(api, collection), nameOrId);
}

/** Its id where one was named. */
export async function idOf(
  api: Api,
  collection: Collection,
  nameOrId: string | undefined,
): Promise<string | undefined> {
  return nameOrId === undefined ? undefined : (await findOne(api, collection, nameOrId)).id;
}

/** As {@link idOf}, where `none` takes the reference away. */
export async function idOrNone(
  api: Api,
  collection: Collection,
  nameOrId: string | undefined,
): Promise<string | null | undefined> {
  return nameOrId === 'none' ? null : idOf(api, collection, nameOrId);
}

export function addList(parent: Command, collection: Collection): void {
  example(
    parent
      .command('list')
      .description(`list the ${collection.what}s`)
      .addOption(limitOption())
      .action(async ({ limit }: { limit?: number }, command: Command) =>
        withApi(command, async (api) =>
          printList(
            await named(
              api,
              await api.client.list(collection.path(api), {}, limit),
              isWide(api.options) ? (collection.references?.(api) ?? []) : [],
            ),
            collection.columns,
            api.options,
          ),
        ),
      ),
    `holdfast ${collection.command} list`,
  );
}

export function addShow(parent: Command, collection: Collection): void {
  addAct(parent, collection, {
    verb: 'show',
    description: `show ${withArticle(collection.what)}, by name or id`,
    act: async (api, path) => tellRecord(api, collection, await api.client.get(path)),
  });
}

/** Prints one of them, with names for ids. */
export async function tellRecord(api: Api, { references }: Collection, record: Item): Promise<void> {
  const [shown = record] = await named(api, [record], references?.(api) ?? []);
  printRecord(shown, api.options);
}

export interface Removal {
  /** What goes with it; asked for before. */
  question?: (found: Found) => string;
  /** What is left of it elsewhere; told afterwards. */
  left?: (found: Found) => string | undefined;
}

export function addDelete(parent: Command, collection: Collection, { question, left }: Removal = {}): void {
  const command = parent
    .command(`delete <${collection.command}>`)
    .description(`delete ${withArticle(collection.what)}, by name or id`);
  if (question !== undefined) command.addOption(yesOption());
  command.action(async (name: string, { yes }: { yes?: boolean }, command: Command) =>
    withApi(command, async (api) => {
      const found = await findOne(api, collection, name);
      if (question !== undefined) await confirm(question(found), yes);
      await api.client.change(`${collection.path(api)}/${found.id}`, { method: 'DELETE' });
      const rest = left?.(found);
      printDone(
        `the ${collection.what} is deleted${rest === undefined ? '' : `; ${rest}`}`,
        { id: found.id, deleted: true },
        api.options,
      );
    }),
  );
  example(command, `holdfast ${collection.command} delete ${collection.sample}`);
}

/** A command on one of them, by name or id. */
export function addAct(
  parent: Command,
  collection: Collection,
  {
    verb,
    description,
    act,
  }: { verb: string; description: string; act: (api: Api, path: string, found: Found) => Promise<void> },
): void {
  example(
    parent
      .command(`${verb} <${collection.command}>`)
      .description(description)
      .action(async (name: string, _: unknown, command: Command) =>
        withApi(command, async (api) => {
          const found = await findOne(api, collection, name);
          await act(api, `${collection.path(api)}/${found.id}`, found);
        }),
      ),
    `holdfast ${collection.command} ${verb} ${collection.sample}`,
  );
}
