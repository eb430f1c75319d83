import { dirname, join } from 'node:path';
import type { Reason } from '../../shared/domain/instance.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { SerialQueue } from '../../shared/kit/serial-queue.ts';
import type { Decision } from './decision.ts';
import { DocumentFile, type DocumentCodec, type FileDeps } from './document-file.ts';

export interface DocumentKind<T, Offer> {
  readonly codec: DocumentCodec<T>;
  /** Pure. */
  readonly decide: (accepted: T | undefined, offered: Offer) => Decision<T>;
}

/**
 * A document of the controller that this node has accepted. It is on disk before anything uses it, so an agent can start, restart and
 * reboot without the controller.
 */
export class AcceptedDocument<T, Offer = T> {
  readonly #kind: DocumentKind<T, Offer>;
  readonly #file: DocumentFile<T>;
  readonly #queue = new SerialQueue();
  #accepted: T | undefined;

  constructor(stateDir: string, kind: DocumentKind<T, Offer>, deps: FileDeps) {
    this.#kind = kind;
    this.#file = new DocumentFile(join(stateDir, kind.codec.fileName), kind.codec, deps);
  }

  /** Reads the file, once at the start of the agent. */
  async load(): Promise<T | undefined> {
    this.#accepted = await this.#file.read();
    return this.#accepted;
  }

  current(): T | undefined {
    return this.#accepted;
  }

  /** Decides about one offer at a time. @returns the reason of a refusal @throws SLIP_LEDGER_WRITE */
  accept(offered: Offer): Promise<Reason | undefined> {
    return this.#queue.add(async () => {
      const decision = this.#kind.decide(this.#accepted, offered);
      if (!decision.accepted) return decision.reason;
      if (decision.changed) await this.#write(decision.document);
      this.#accepted = decision.document;
      return undefined;
    });
  }

  async #write(document: T): Promise<void> {
    try {
      await this.#file.write(document);
    } catch (cause) {
      const { path } = this.#file;
      throw new SlipwayError({
        code: 'SLIP_LEDGER_WRITE',
        kind: 'transient',
        message: `The agent could not write ${path}, so it continues with the document that it accepted before.`,
        hint: `Check the free space and the permissions of ${dirname(path)}.`,
        cause,
      });
    }
  }
}
