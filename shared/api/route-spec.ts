import type { z } from 'zod';

/** What one route of the API takes and answers. Both sides of the API are written against it. */
export interface RouteSpec {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/v1`. */
  readonly path: `/${string}`;
  /** The path is not below `/v1`. */
  readonly atRoot?: true;
  /** One sentence for the readers of openapi.json. */
  readonly summary: string;
  /** Of a successful answer. Default: 200, or 204 without an answer. */
  readonly status?: 101 | 201 | 202;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Media type of a request body that is not JSON. */
  readonly bodyType?: string;
  /** The JSON answer. */
  readonly answer?: z.ZodType;
  /** Each line of an answer in NDJSON: the only answer, or the answer with `follow=true` where `answer` is set too. */
  readonly lines?: z.ZodType;
  /** Media type of an answer that is not JSON. */
  readonly answerType?: string;
}

type ParamNames<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamNames<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

/** The parts of the path that a caller chooses. */
export type Params<S extends RouteSpec> = Readonly<Record<ParamNames<S['path']>, string>>;

type Output<T> = T extends z.ZodType ? z.output<T> : undefined;
type Input<T> = T extends z.ZodType ? z.input<T> : undefined;
type Field<S extends RouteSpec, Name extends keyof RouteSpec> =
  S extends Readonly<Record<Name, infer T>> ? T : undefined;

/** As the controller reads it. */
export type QueryOutput<S extends RouteSpec> = Output<Field<S, 'query'>>;
export type BodyOutput<S extends RouteSpec> = Output<Field<S, 'body'>>;
/** As a caller gives it. */
export type BodyInput<S extends RouteSpec> = Input<Field<S, 'body'>>;
/** As a caller reads it. */
export type AnswerOutput<S extends RouteSpec> = Output<Field<S, 'answer'>>;
export type LineOutput<S extends RouteSpec> = Output<Field<S, 'lines'>>;
