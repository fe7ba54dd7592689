import type { Command } from 'commander';
import { addressOf, one, type Address, type OneOf, type PathWith } from '../client/address.ts';
import type { Item } from '../client/api-client.ts';
import { find, withApi, type Api, type Kind, type NamedPath, type RecordOf } from '../client/api.ts';
import { withArticle } from '../output/article.ts';
import { example } from '../output/example.ts';
import { printDone, printList, printRecord, type Columns } from '../output/output.ts';
import { isWide } from '../output/output-options.ts';
import { named, type Named, type Reference } from './named.ts';
import { confirm } from '../client/prompt.ts';
import { limitOption, reasonIn, reasonOption, yesOption, type Reasoned } from '../output/values.ts';

/** Things of one kind that the API lists, and the command of the same name. */
export interface Collection<P extends NamedPath> {
  /** Such as `key set`. */
  what: string;
  /** Such as `key-set`. */
  command: string;
  /** Their list, under /api/v1. */
  path: (api: Api) => Address<P>;
  columns: Columns<Named<RecordOf<P>>>;
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

function kindOf<P extends NamedPath>(
  api: Api,
  { what, command, path, by, anyCase, filter }: Collection<P>,
): Kind<P> {
  return {
    what,
    list: path(api),
    listedBy: `holdfast ${command} list`,
    ...(by === undefined ? {} : { by }),
    ...(anyCase === undefined ? {} : { anyCase }),
    ...(filter === undefined ? {} : { filter }),
  };
}

/** One of them by name or id. */
export async function findOne<P extends NamedPath>(
  api: Api,
  collection: Collection<P>,
  nameOrId: string,
): Promise<RecordOf<P>> {
  return find(api, kindOf(api, collection), nameOrId);
}

/** Its id where one was named. */
export async function idOf<P extends NamedPath>(
  api: Api,
  collection: Collection<P>,
  nameOrId: string | undefined,
): Promise<string | undefined> {
  return nameOrId === undefined ? undefined : (await findOne(api, collection, nameOrId)).id;
}

/** As {@link idOf}, where `none` takes the reference away. */
export async function idOrNone<P extends NamedPath>(
  api: Api,
  collection: Collection<P>,
  nameOrId: string | undefined,
): Promise<string | null | undefined> {
  return nameOrId === 'none' ? null : idOf(api, collection, nameOrId);
}

export function addList<P extends NamedPath>(parent: Command, collection: Collection<P>): void {
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
              (await api.client.list(collection.path(api), undefined, limit)) as RecordOf<P>[],
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

export function addShow<P extends NamedPath>(parent: Command, collection: Collection<P>): void {
  addAct(parent, collection, {
    verb: 'show',
    description: `show ${withArticle(collection.what)}, by name or id`,
    act: async (api, { path }) =>
      tellRecord(api, collection, (await api.client.get(addressOf<PathWith<'GET'>>(path))) as Item),
  });
}

/** Prints one of them, with names for ids. */
async function tellRecord<P extends NamedPath>(
  api: Api,
  { references }: Collection<P>,
  record: Item,
): Promise<void> {
  const [shown = record] = await named(api, [record], references?.(api) ?? []);
  printRecord(shown, api.options);
}

export interface Removal<P extends NamedPath> {
  /** What goes with it; asked for before. */
  question?: (found: RecordOf<P>) => string;
  /** What is left of it elsewhere; told afterwards. */
  left?: (found: RecordOf<P>) => string | undefined;
}

export function addDelete<P extends NamedPath>(
  parent: Command,
  collection: Collection<P>,
  { question, left }: Removal<P> = {},
): void {
  const command = parent
    .command(`delete <${collection.command}>`)
    .description(`delete ${withArticle(collection.what)}, by name or id`)
    .addOption(reasonOption());
  if (question !== undefined) command.addOption(yesOption());
  command.action(async (name: string, input: Reasoned & { yes?: boolean }, command: Command) =>
    withApi(command, async (api) => {
      const found = await findOne(api, collection, name);
      if (question !== undefined) await confirm(question(found), input.yes);
      const record = addressOf<Removable>(one(collection.path(api), found.id).path);
      await api.client.remove(record, undefined, reasonIn(input));
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

/** What a record is read by before it is deleted. */
type Removable = PathWith<'GET'> & PathWith<'DELETE'>;

/** A command on one of them, by name or id. */
export function addAct<P extends NamedPath>(
  parent: Command,
  collection: Collection<P>,
  {
    verb,
    description,
    act,
  }: {
    verb: string;
    description: string;
    act: (api: Api, record: Address<OneOf<P>>, found: RecordOf<P>) => Promise<void>;
  },
): void {
  example(
    parent
      .command(`${verb} <${collection.command}>`)
      .description(description)
      .action(async (name: string, _: unknown, command: Command) =>
        withApi(command, async (api) => {
          const found = await findOne(api, collection, name);
          await act(api, one(collection.path(api), found.id), found);
        }),
      ),
    `holdfast ${collection.command} ${verb} ${collection.sample}`,
  );
}
