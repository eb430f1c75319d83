import { close, constants, open } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';

const openFd = promisify(open);
const closeFd = promisify(close);

/** Reads the output of builds from their pipes. */
export class OutputPipes {
  readonly #done = new Map<string, Promise<void>>();

  /**
   * Opens the reading end before the program starts, so that no output is lost. It also opens a writing end, because the pipe would end
   * before the supervisor has opened it. Call the returned function to close this writing end when the supervisor runs.
   */
  async open(id: string, path: string, onOutput: (chunk: Uint8Array) => void): Promise<() => Promise<void>> {
    // net reads a FIFO with epoll; fs would block a thread in read(2)
    const reader = await openFd(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = await openFd(path, constants.O_WRONLY | constants.O_NONBLOCK);
    const socket = new Socket({ fd: reader, readable: true, writable: false });
    socket.on('data', onOutput);
    socket.on('error', () => socket.destroy());
    const done = new Promise<void>((resolve) => {
      socket.on('close', () => {
        this.#done.delete(id);
        resolve();
      });
    });
    this.#done.set(id, done);
    return () => closeFd(writer);
  }

  /** True while more output is possible. */
  isOpen(id: string): boolean {
    return this.#done.has(id);
  }

  /** Resolves when all writers have closed the pipe and all output was read. */
  settled(id: string): Promise<void> {
    return this.#done.get(id) ?? Promise.resolve();
  }
}
