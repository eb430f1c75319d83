import { SlipwayError } from '../kit/errors.ts';

// The bytes between a user and a process in a sandbox (agent/sandbox/inside/attach.pl). A frame is its kind (1 byte), the length of its
// content (4 bytes, big endian) and the content. The agent passes the bytes on and reads none. The controller passes whole frames on, reads
// what the start frame asks for, and can add notices and a failure.

/** To the process: below 16. From the process: 16 and above. */
export const FRAME = Object.freeze({
  start: 1,
  input: 2,
  /** The end of standard input. */
  inputEnd: 3,
  /** Rows and columns, 2 bytes each. */
  resize: 4,
  /** The name of a signal, without `SIG`. */
  signal: 5,
  /** The client has written so many bytes of output (4 bytes), so the process may send as many more. */
  credit: 6,
  ping: 7,
  started: 16,
  output: 17,
  errors: 18,
  outputEnd: 19,
  /** The exit code, 1 byte: 128 + n for a process that signal n ended. */
  exit: 20,
  /** Code, message and hint, with NUL between them. */
  failure: 21,
  /** As `credit`, for the input that the process has read. */
  creditBack: 22,
  pong: 23,
  /** One line of text for the user. Only the controller sends it. Older clients ignore it. */
  notice: 24,
});

/** Bytes that each direction may have in transit. */
export const WINDOW_BYTES = 1024 * 1024;
export const FRAME_BYTES_MAX = 64 * 1024;
/** A client sends a ping this often. */
export const PING_MS = 10_000;
/** Each side ends the stream after this time without a byte. */
export const SILENCE_MS = 30_000;

const HEADER_BYTES = 5;

export interface Frame {
  readonly kind: number;
  readonly content: Buffer;
}

/** What the process does: a command with a terminal, a command with pipes, or a connection to a port. */
export type StartRequest =
  | { readonly mode: 'pty'; readonly size: TerminalSize; readonly term: string; readonly words: readonly string[] }
  | { readonly mode: 'pipe'; readonly words: readonly string[] }
  | { readonly mode: 'port'; readonly port: number };

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export function encodeFrame(kind: number, content: Uint8Array = new Uint8Array()): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + content.length);
  frame.writeUInt8(kind, 0);
  frame.writeUInt32BE(content.length, 1);
  frame.set(content, HEADER_BYTES);
  return frame;
}

/** @throws SLIP_ATTACH_COMMAND_LINE */
export function encodeStart(request: StartRequest): Buffer {
  const content = Buffer.from(startFields(request).join('\0'));
  const words = request.mode === 'port' ? [] : request.words;
  if (content.length > FRAME_BYTES_MAX || words.some((word) => word.includes('\0'))) throw badCommandLine();
  return encodeFrame(FRAME.start, content);
}

function startFields(request: StartRequest): readonly string[] {
  if (request.mode === 'port') return ['port', String(request.port)];
  const { rows, columns } = request.mode === 'pty' ? request.size : { rows: 0, columns: 0 };
  const term = request.mode === 'pty' ? request.term : '';
  return [request.mode, String(rows), String(columns), term, ...request.words];
}

function badCommandLine(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ATTACH_COMMAND_LINE',
    message: 'The command line is longer than 64 KB, or has a NUL byte.',
    hint: 'Send a long text as standard input: slipway ps:exec web.1 sh < script.sh',
  });
}

export function encodeResize({ rows, columns }: TerminalSize): Buffer {
  const content = Buffer.alloc(4);
  content.writeUInt16BE(Math.min(rows, 0xffff), 0);
  content.writeUInt16BE(Math.min(columns, 0xffff), 2);
  return encodeFrame(FRAME.resize, content);
}

export function encodeCredit(bytes: number): Buffer {
  const content = Buffer.alloc(4);
  content.writeUInt32BE(bytes, 0);
  return encodeFrame(FRAME.credit, content);
}

export function encodeNotice(text: string): Buffer {
  return encodeFrame(FRAME.notice, Buffer.from(text).subarray(0, FRAME_BYTES_MAX));
}

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

export function encodeFailure({ code, message, hint = '' }: Failure): Buffer {
  return encodeFrame(FRAME.failure, Buffer.from([code, message, hint].join('\0')).subarray(0, FRAME_BYTES_MAX));
}

export function decodeFailure(content: Buffer): SlipwayError {
  const [code = '', message = '', hint = ''] = content.toString('utf8').split('\0');
  return new SlipwayError({
    code: /^SLIP_[A-Z0-9_]{1,60}$/.test(code) ? code : 'SLIP_ATTACH_LOST',
    kind: 'transient',
    message: message.slice(0, 500),
    ...(hint === '' ? {} : { hint: hint.slice(0, 500) }),
  });
}

/** The frame that begins at this byte; undefined: not all of it is there. @throws SLIP_ATTACH_FRAME */
export function frameAt(bytes: Buffer, start: number): (Frame & { readonly end: number }) | undefined {
  if (bytes.length - start < HEADER_BYTES) return undefined;
  const length = bytes.readUInt32BE(start + 1);
  if (length > FRAME_BYTES_MAX) throw badFrame();
  const content = start + HEADER_BYTES;
  const end = content + length;
  return bytes.length < end ? undefined : { kind: bytes.readUInt8(start), content: bytes.subarray(content, end), end };
}

/** Cuts a stream of bytes into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** @throws SLIP_ATTACH_FRAME */
  push(chunk: Uint8Array): readonly Frame[] {
    const bytes = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    let end = 0;
    for (let frame = frameAt(bytes, 0); frame !== undefined; frame = frameAt(bytes, end)) {
      frames.push({ kind: frame.kind, content: frame.content });
      end = frame.end;
    }
    this.#rest = bytes.subarray(end);
    return frames;
  }
}

export function badFrame(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ATTACH_FRAME',
    kind: 'transient',
    message: 'The stream from the sandbox is not readable, so it was closed.',
    hint: 'Compare the versions of this program and of the node: slipway version, slipway nodes',
  });
}
