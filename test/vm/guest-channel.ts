import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

interface Answer {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

/** JSON lines with the QEMU guest agent over its socket: one question at a time. Works without any network of the guest. */
export class GuestChannel {
  readonly #socket: Socket;
  #unread = '';
  #arrived: () => void = () => undefined;
  #lastSync = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      this.#unread += text.replaceAll('\u00ff', '');
      this.#arrived();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#arrived());
  }

  static async open(path: string): Promise<GuestChannel> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new GuestChannel(socket);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** True when the guest's agent answers within the time. */
  async answers(withinMs: number): Promise<boolean> {
    const id = (this.#lastSync += 1);
    const untilMs = performance.now() + withinMs;
    this.#send({ execute: 'guest-sync', arguments: { id } });
    for (;;) {
      const answer = await this.#next(untilMs).catch(() => undefined);
      if (answer === undefined) return false;
      if (answer.return === id) return true; // others answer questions that were given up
    }
  }

  /** @throws what the guest's agent says, or when it says nothing within the time */
  async ask(execute: string, args: object, withinMs: number): Promise<unknown> {
    this.#send({ execute, arguments: args });
    const answer = await this.#next(performance.now() + withinMs);
    if (answer.error !== undefined) throw new Error(`${execute}: ${answer.error.desc}`);
    return answer.return;
  }

  #send(question: object): void {
    this.#socket.write(`${JSON.stringify(question)}\n`);
  }

  async #next(untilMs: number): Promise<Answer> {
    for (;;) {
      const end = this.#unread.indexOf('\n');
      if (end >= 0) {
        const line = this.#unread.slice(0, end);
        this.#unread = this.#unread.slice(end + 1);
        if (line.trim() !== '') return JSON.parse(line) as Answer;
        continue;
      }
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0 || this.#socket.destroyed) throw new Error('the guest does not answer');
      const arrived = new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
      await Promise.race([arrived, delay(leftMs, undefined, { ref: false })]);
    }
  }
}
