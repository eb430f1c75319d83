import { close, constants, open } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';

const openFd = promisify(open);
const closeFd = promisify(close);

/** Reads a build's output from its pipe as it comes. */
export class OutputPipes {
  readonly #done = new Map<string, Promise<void>>();

  /**
   * Opens the reading end before the program starts, so that nothing is missed. The result lets go of a writing end
   * that keeps the pipe from ending before the supervisor has opened its own; call it when that is so.
   */
  async open(id: string, path: string, onOutput: (chunk: Uint8Array) => void): Promise<() => Promise<void>> {
    // net reads a FIFO through epoll; fs would park a thread in read(2)
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

  /** True while output may still come. */
  isOpen(id: string): boolean {
    return this.#done.has(id);
  }

  /** Resolves when every writer has gone and all was read. */
  settled(id: string): Promise<void> {
    return this.#done.get(id) ?? Promise.resolve();
  }
}
