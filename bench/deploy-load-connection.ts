import { connect, type Socket } from 'node:net';

/** Longer than any answer of the product may take. */
const ANSWER_LIMIT_MS = 60_000;

export interface Target {
  readonly address: string;
  readonly port: number;
  /** As in the header. */
  readonly host: string;
}

/** The body, or why there is none. */
export type Answer = { readonly body: string } | { readonly failure: string };

/**
 * A connection that sends one request at a time. It speaks HTTP itself, so that nothing sends a request again, and each way in which a
 * connection can end has its own reason.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #request: string;
  #isConnected = false;
  #received = '';
  #done: ((answer: Answer) => void) | undefined;

  /** @param keepAlive false: the proxy closes the connection after the first answer */
  constructor({ address, port, host }: Target, keepAlive: boolean) {
    this.#request = `GET / HTTP/1.1\r\nHost: ${host}\r\n${keepAlive ? '' : 'Connection: close\r\n'}\r\n`;
    this.#socket = connect({ host: address, port, noDelay: true });
    this.#socket.setEncoding('latin1').setTimeout(ANSWER_LIMIT_MS);
    this.#socket.on('connect', () => (this.#isConnected = true));
    this.#socket.on('data', (text: string) => this.#read(text));
    this.#socket.on('error', (error: NodeJS.ErrnoException) => this.#end(error.code ?? error.message));
    this.#socket.on('end', () => this.#end('closed'));
    this.#socket.on('timeout', () => {
      this.#end('timeout');
      this.#socket.destroy();
    });
  }

  /** False when the proxy has closed it. */
  get isUsable(): boolean {
    return !this.#socket.destroyed && !this.#socket.readableEnded;
  }

  ask(done: (answer: Answer) => void): void {
    this.#received = '';
    this.#done = done;
    this.#socket.write(this.#request);
  }

  #read(text: string): void {
    this.#received += text;
    const answer = readAnswer(this.#received);
    if (answer === undefined) return;
    if ('failure' in answer) this.#socket.destroy();
    this.#finish(answer);
  }

  /** A connection without an open request may end. */
  #end(how: string): void {
    const bytes = this.#received.length;
    if (!this.#isConnected) this.#finish({ failure: `connect: ${how}` });
    else if (bytes === 0) this.#finish({ failure: `${how} before the answer` });
    else this.#finish({ failure: `${how} after ${String(bytes)} bytes of the answer` });
  }

  #finish(answer: Answer): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(answer);
  }
}

/** Undefined while bytes are missing. */
function readAnswer(received: string): Answer | undefined {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const status = received.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length);
  if (status !== '200') return { failure: `status ${status}` };
  const length = /\r\ncontent-length: (\d+)/i.exec(received.slice(0, headEnd))?.[1];
  if (length === undefined) return { failure: 'an answer without a length' };
  const body = received.slice(headEnd + 4);
  if (body.length < Number(length)) return undefined;
  return body.length === Number(length) ? { body } : { failure: 'wrong body: too long' };
}
