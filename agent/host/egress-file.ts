import { join } from 'node:path';
import { NO_EGRESS, type EgressTable } from '../../shared/domain/egress.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { SerialQueue } from '../../shared/kit/serial-queue.ts';
import { egressTable } from '../../shared/rpc/egress-codec.ts';
import { DocumentFile, type DocumentCodec } from '../accepted/document-file.ts';
import type { Sandbox } from '../sandbox/port.ts';

const CODEC: DocumentCodec<EgressTable> = {
  fileName: 'egress.json',
  key: 'table',
  version: 1,
  readableVersions: [1],
  schema: egressTable,
  encode: (table) => table,
};

export interface EgressDeps {
  readonly stateDir: string;
  readonly sandbox: Pick<Sandbox, 'setEgress'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The private networks that sandboxes may reach. The controller's table is applied at once and kept for the next start of the agent. */
export class Egress {
  readonly #deps: EgressDeps;
  readonly #file: DocumentFile<EgressTable>;
  readonly #queue = new SerialQueue();
  #table: EgressTable = NO_EGRESS;

  constructor(deps: EgressDeps) {
    this.#deps = deps;
    this.#file = new DocumentFile(join(deps.stateDir, CODEC.fileName), CODEC, deps);
  }

  /** Applies the last table of the controller. Without a readable file, all private networks are closed until the next session. */
  async restore(): Promise<void> {
    this.#table = (await this.#file.read()) ?? NO_EGRESS;
    await this.#deps.sandbox.setEgress?.(this.#table);
  }

  /** Whether networks are open for sandboxes with this range of user ids. */
  opensFor(uidBase: number): boolean {
    return this.#table.apps.some((app) => app.uidBase === uidBase);
  }

  /** Closes the networks for this range of user ids. Resolves when the file has no entry for it. */
  closeFor(uidBase: number): Promise<void> {
    return this.#queue.add(() =>
      this.#apply({ ...this.#table, apps: this.#table.apps.filter((app) => app.uidBase !== uidBase) }),
    );
  }

  /** Never rejects. A table that cannot be written is applied all the same. The controller sends it again in the next session. */
  async accept(table: EgressTable): Promise<void> {
    try {
      await this.#queue.add(() => this.#apply(table));
    } catch (error) {
      this.#deps.log.error({ err: error }, 'egress.not_applied');
    }
  }

  async #apply(table: EgressTable): Promise<void> {
    this.#table = table;
    try {
      await this.#deps.sandbox.setEgress?.(table);
    } finally {
      await this.#file.write(table);
    }
  }
}
