import type { Paths } from '../../src/cli/client/api-types.ts';
import type { operations, OperationName } from './operations.ts';

/* What each operation takes and answers, by its name, from the types of the API's paths. */

type At<P, M> = P extends keyof Paths ? (M extends keyof Paths[P] ? Paths[P][M] : never) : never;

type Of<O extends OperationName> = At<(typeof operations)[O]['path'], (typeof operations)[O]['method']>;

type Field<T, F extends string> = T extends Record<F, infer Value> ? Value : undefined;

type NamesIn<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | NamesIn<Rest>
  : never;

type ParamNames<O extends OperationName> = NamesIn<(typeof operations)[O]['path']>;

/** Parameters of the path; undefined where it has none. */
export type ParamsOf<O extends OperationName> = [ParamNames<O>] extends [never]
  ? undefined
  : Record<ParamNames<O>, string>;
export type QueryOf<O extends OperationName> = Field<Of<O>, 'query'>;
export type BodyOf<O extends OperationName> = Field<Of<O>, 'body'>;
export type AnswerOf<O extends OperationName> = Field<Of<O>, 'answer'>;
