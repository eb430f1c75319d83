import type { Duplex, Readable } from 'node:stream';
import type { z } from 'zod';
import { NEXT_PAGE_HEADER } from '../shared/api/apps.ts';
import { API_ROUTES, type ApiRoutes, type OperationId } from '../shared/api/routes.ts';
import type { AnswerOutput, BodyInput, LineOutput, Params, QueryOutput, RouteSpec } from '../shared/api/route-spec.ts';
import { SlipwayError } from '../shared/kit/errors.ts';
import { linesOf } from './lines.ts';
import type { CliSettings } from './settings.ts';
import { openStream } from './stream-transport.ts';
import { escapeAll } from './terminal/escape.ts';
import { createTransport, failureLine, type StreamOptions, type Transport } from './transport.ts';

/** The controller's API, route by route. Fields of an answer that this version does not know are left out. */
export interface ApiClient {
  readonly url: string;
  /** The answer, with every text made safe for a terminal. */
  call<Id extends JsonId>(id: Id, ...input: InputArgs<Id>): Promise<Answer<Id>>;
  /** The unchanged answer, for programs. Its texts may contain control characters. */
  callAsIs<Id extends JsonId>(id: Id, ...input: InputArgs<Id>): Promise<Answer<Id>>;
  /** A whole list, read page by page, and safe for a terminal. */
  list(id: PagedId): Promise<Answer<PagedId>>;
  /** Each line of a stream, with its texts unchanged. */
  lines<Id extends LineId>(id: Id, input: Input<Id>, options: FollowOptions): AsyncIterable<Line<Id>>;
  /** The bytes of an answer that is not JSON. */
  stream<Id extends BytesId>(id: Id, input: Input<Id>, options: FollowOptions): Promise<AsyncIterable<Uint8Array>>;
  /** Sends bytes, and reads each line of the answer. */
  upload<Id extends UploadId>(id: Id, input: Input<Id>, options: UploadOptions): AsyncIterable<Line<Id>>;
  /** A stream of bytes to a process in a sandbox, for AttachedProcess. */
  attach<Id extends StreamId>(id: Id, input: Input<Id>): Promise<Duplex>;
  close(): Promise<void>;
}

type Answer<Id extends OperationId> = AnswerOutput<ApiRoutes[Id]>;
type Line<Id extends OperationId> = LineOutput<ApiRoutes[Id]>;

type IdsWith<Name extends keyof RouteSpec> = {
  [Id in OperationId]: ApiRoutes[Id] extends Readonly<Record<Name, unknown>> ? Id : never;
}[OperationId];

type BytesId = IdsWith<'answerType'>;
type LineId = IdsWith<'lines'>;
type StreamId = 'attachInstance' | 'attachRun';
type UploadId = 'deployArchive';
type JsonId = Exclude<OperationId, BytesId | StreamId>;
type PagedId = { [Id in OperationId]: 'after' extends keyof QueryOutput<ApiRoutes[Id]> ? Id : never }[OperationId];

type Optional<T> = { readonly [Name in keyof T]?: T[Name] | undefined };
type ParamsOf<S extends RouteSpec> = keyof Params<S> extends never ? object : { readonly params: Params<S> };
type QueryOf<S extends RouteSpec> = S extends { readonly query: z.ZodType }
  ? { readonly query?: Optional<QueryOutput<S>> }
  : object;
type BodyOf<S extends RouteSpec> = S extends { readonly body: z.ZodType } ? { readonly body: BodyInput<S> } : object;

/** What a caller gives for a route. */
type Input<Id extends OperationId> = ParamsOf<ApiRoutes[Id]> & QueryOf<ApiRoutes[Id]> & BodyOf<ApiRoutes[Id]>;
type InputArgs<Id extends OperationId> = object extends Input<Id> ? [input?: Input<Id>] : [input: Input<Id>];

interface RawInput {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
}

export interface FollowOptions {
  readonly signal: AbortSignal;
  /** Default: `FOLLOW_SILENCE_MS`. 0: the stream may be silent. */
  readonly silenceMs?: number | undefined;
}

export interface UploadOptions extends FollowOptions {
  readonly body: Readable;
}

/** For streams on which the controller sends an empty line every 20 s. */
export const FOLLOW_SILENCE_MS = 45_000;

export function createClient(settings: CliSettings): ApiClient {
  return clientOver(createTransport(settings), (path) => openStream(settings, path));
}

type OpenStream = (path: string) => Promise<Duplex>;

const openNothing: OpenStream = () => Promise.reject(new Error('this client opens no streams'));

export function clientOver(transport: Transport, open: OpenStream = openNothing): ApiClient {
  const callAsIs = async <Id extends JsonId>(id: Id, ...[input]: InputArgs<Id>): Promise<Answer<Id>> => {
    const { body, ...target } = rawInput(input);
    const { text } = await transport.ask({ method: API_ROUTES[id].method, path: pathOf(id, target), body });
    return readAnswer(id, text);
  };
  return {
    url: transport.url,
    call: async (id, ...input) => escapeAll(await callAsIs(id, ...input)),
    callAsIs,
    list: (id) => readPages(transport, id),
    lines: (id, input, options) => readLines(id, () => streamOf(transport, id, { input, options })),
    stream: (id, input, options) => streamOf(transport, id, { input, options }),
    upload: (id, input, { body, signal, silenceMs = FOLLOW_SILENCE_MS }) =>
      readLines(id, () => transport.stream(pathOf(id, rawInput(input)), { body, signal, silenceMs })),
    attach: (id, input) => open(pathOf(id, rawInput(input))),
    close: () => transport.close(),
  };
}

interface Stream {
  readonly input: object;
  readonly options: FollowOptions;
}

function streamOf(
  transport: Transport,
  id: OperationId,
  { input, options: { signal, silenceMs = FOLLOW_SILENCE_MS } }: Stream,
): Promise<AsyncIterable<Uint8Array>> {
  const options: StreamOptions = { signal, silenceMs };
  return transport.stream(pathOf(id, rawInput(input)), options);
}

/** The types of the routes have checked the input. */
function rawInput(input: object | undefined): RawInput {
  return input ?? {};
}

function pathOf(id: OperationId, { params = {}, query = {} }: RawInput): string {
  const spec: RouteSpec = API_ROUTES[id];
  const path = spec.path.replace(/:(\w+)/g, (_all, name: string) => encodeURIComponent(params[name] ?? ''));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return `${spec.atRoot === true ? '' : '/v1'}${path}${search.size === 0 ? '' : `?${search.toString()}`}`;
}

/** Stops if the server names the same page again, because the loop would not end. */
async function readPages(transport: Transport, id: PagedId): Promise<Answer<PagedId>> {
  const rows: Answer<PagedId>[number][] = [];
  for (let after: string | undefined; ;) {
    const { text, header } = await transport.ask({ method: 'GET', path: pathOf(id, { query: { after } }) });
    rows.push(...escapeAll(readAnswer(id, text)));
    const next = header(NEXT_PAGE_HEADER);
    if (next === undefined || next === after) return rows;
    after = next;
  }
}

/** An empty line only keeps the connection alive. The last line can be the reason why the stream ended. */
async function* readLines<Id extends LineId>(
  id: Id,
  open: () => Promise<AsyncIterable<Uint8Array>>,
): AsyncGenerator<Line<Id>> {
  for await (const line of linesOf(await open())) {
    if (line === '') continue;
    const failure = failureLine(line);
    if (failure !== undefined) throw failure;
    yield readJson(id, API_ROUTES[id].lines, line) as Line<Id>;
  }
}

function readAnswer<Id extends OperationId>(id: Id, text: string): Answer<Id> {
  const spec: RouteSpec = API_ROUTES[id];
  return readJson(id, spec.answer, text) as Answer<Id>;
}

/** @throws SLIP_CLI_ANSWER */
function readJson(id: OperationId, schema: z.ZodType | undefined, text: string): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(text === '' ? undefined : parsedOrText(text));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.map(String).join('.') ?? '';
  throw new SlipwayError({
    code: 'SLIP_CLI_ANSWER',
    message: `The controller's answer to ${id} is not as expected${field === '' ? '' : ` in the field ${field}`}: ${issue?.message ?? 'it is not valid'}.`,
    hint: 'Compare the versions of this program and of the controller: slipway version',
  });
}

function parsedOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
