import { connect, type Socket } from 'node:net';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { SerialQueue } from '../../../shared/kit/serial-queue.ts';

/** One conversation: the reply to each command is read before the next command is sent. Commands with a payload contain line breaks. */
export type Converse = (command: string) => Promise<string>;

/** HAProxy's runtime API, or its master's, on a Unix socket. One conversation at a time. */
export class CliSocket {
  readonly #path: string;
  readonly #timeoutMs: number;
  readonly #conversations = new SerialQueue();

  constructor(path: string, timeoutMs = 5000) {
    this.#path = path;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws SLIP_PROXY_SOCKET if there is no answer or the connection closes */
  talk<T>(conversation: (say: Converse) => Promise<T>): Promise<T> {
    return this.#conversations.add(() => this.#talkNow(conversation));
  }

  async #talkNow<T>(conversation: (say: Converse) => Promise<T>): Promise<T> {
    const session = new Session(connect(this.#path), this.#timeoutMs);
    try {
      await session.say('prompt');
      return await conversation((text) => session.say(text));
    } finally {
      session.close();
    }
  }
}

/** Every reply ends with a prompt on a separate line. No reply contains such a line before its end. */
const PROMPT = /(?:^|\n)(?:master)?> $/;
/** More than a reply with ten thousand servers. A longer reply is not from HAProxy. */
const REPLY_BYTES_MAX = 64 * 1024 * 1024;

class Session {
  readonly #socket: Socket;
  #chunks: string[] = [];
  #size = 0;
  #waiting: { resolve: (reply: string) => void; reject: (error: Error) => void } | undefined;
  #failure: Error | undefined;

  constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.setTimeout(timeoutMs, () => this.#fail(new Error(`no reply for ${timeoutMs} ms`)));
    socket.on('data', (chunk: string) => this.#receive(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('closed')));
  }

  say(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (this.#failure === undefined) this.#socket.write(`${command}\n`);
      else this.#fail(this.#failure);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: string): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size > REPLY_BYTES_MAX) {
      this.#fail(new Error('reply too long'));
      return;
    }
    // The prompt may be split over two chunks. It is always at the very end.
    const end = (this.#chunks.length > 1 ? (this.#chunks.at(-2)?.slice(-12) ?? '') : '') + chunk;
    if (!PROMPT.test(end)) return;
    const reply = this.#chunks.join('').replace(PROMPT, '').trimEnd();
    this.#chunks = [];
    this.#size = 0;
    this.#waiting?.resolve(reply);
    this.#waiting = undefined;
  }

  #fail(cause: Error): void {
    this.#failure = cause;
    this.#socket.destroy();
    this.#waiting?.reject(
      new SlipwayError({
        code: 'SLIP_PROXY_SOCKET',
        kind: 'transient',
        message: 'HAProxy does not answer.',
        hint: 'The agent starts it again. If the error remains, see the end of its access log.',
        cause,
      }),
    );
    this.#waiting = undefined;
  }
}
