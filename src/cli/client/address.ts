import type { Paths } from './api-types.ts';

/** A path of the API as OpenAPI writes it, such as `/vaults/{vaultId}/users`. */
export type Path = keyof Paths;

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Paths that have the method. */
export type PathWith<M extends Method> = {
  [P in Path]: Paths[P] extends Readonly<Record<M, unknown>> ? P : never;
}[Path];

/** Of each path by itself: of a union of types the compiler would keep the widest alone. */
type PartOf<P extends Path, M extends Method, Part extends 'query' | 'body' | 'answer'> = P extends Path
  ? Paths[P] extends Readonly<Record<M, Readonly<Record<Part, infer Found>>>>
    ? Found
    : never
  : never;

export type QueryOf<P extends Path, M extends Method> = PartOf<P, M, 'query'>;
export type BodyOf<P extends Path, M extends Method> = PartOf<P, M, 'body'>;
export type AnswerOf<P extends Path, M extends Method> = PartOf<P, M, 'answer'>;

/** Lists, which come in pages. */
export type ListPath = {
  [P in PathWith<'GET'>]: AnswerOf<P, 'GET'> extends { items: unknown[]; next: string | null } ? P : never;
}[PathWith<'GET'>];

/** A record in the list. */
export type ItemOf<P extends Path> =
  AnswerOf<P, 'GET'> extends { items: readonly (infer Found)[] } ? Found : never;

/** The path of one record in the list. */
export type OneOf<P extends Path> = P extends Path
  ? {
      [One in Path]: One extends `${P}/{${infer Rest}}`
        ? Rest extends `${string}/${string}`
          ? never
          : One
        : never;
    }[Path]
  : never;

/** What comes behind the path where something is done to its record, such as `/disable`. */
export type ActOn<P extends Path> = {
  [Act in PathWith<'POST'>]: Act extends `${P}${infer Rest}`
    ? Rest extends `/${string}`
      ? Rest
      : never
    : never;
}[PathWith<'POST'>];

/** The path with that behind it. */
export type Behind<P extends Path, Rest extends string> = P extends Path ? `${P}${Rest}` & Path : never;

type NamesIn<S extends string> = S extends `${string}{${infer Name}}${infer Rest}`
  ? Name | NamesIn<Rest>
  : never;

/** What stands for the parameters of the path; no argument where it has none. */
export type Parameters<S extends string> = [NamesIn<S>] extends [never]
  ? []
  : [parameters: Readonly<Record<NamesIn<S>, string>>];

declare const of: unique symbol;

/** An address under /api/v1. Its type remembers the path that it is of, and so what may be sent there and what is answered. */
export interface Address<P extends Path> {
  readonly path: string;
  readonly [of]: P;
}

/** The path with its parameters filled in. */
export function at<P extends Path>(path: P, ...parameters: Parameters<P>): Address<P> {
  return addressOf(filled(path, parameters));
}

/** One record of a list. */
export function one<P extends Path>(list: Address<P>, id: string): Address<OneOf<P>> {
  return addressOf(`${list.path}/${encodeURIComponent(id)}`);
}

/** What is behind an address, such as the members of a group. */
export function behind<P extends Path, Rest extends string>(
  { path }: Address<P>,
  rest: Rest & (Behind<P, Rest> extends never ? never : Rest),
  ...parameters: Parameters<Rest>
): Address<Behind<P, Rest>> {
  return addressOf(path + filled(rest, parameters));
}

/** A path of which only its parts were typed. */
export function addressOf<P extends Path>(path: string): Address<P> {
  return { path } as Address<P>;
}

export function filled(path: string, [parameters = {}]: readonly Readonly<Record<string, string>>[]): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parameters[name] ?? ''));
}
