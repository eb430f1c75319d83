import { join } from 'node:path';
import { z } from 'zod';
import { NO_EGRESS, type EgressTable } from '../../shared/domain/egress.ts';
import { ensureDir, readFileIfExists, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { egressTable } from '../../shared/rpc/egress-codec.ts';
import type { Sandbox } from '../sandbox/port.ts';

const FILE = 'egress.json';

export interface EgressDeps {
  readonly stateDir: string;
  readonly sandbox: Pick<Sandbox, 'setEgress'>;
  readonly log: Logger;
}

/** Which private networks sandboxes may reach: applied as the controller says it, and kept for the next start of the agent. */
export class Egress {
  readonly #deps: EgressDeps;
  #turn: Promise<void> = Promise.resolve();
  #table: EgressTable = NO_EGRESS;

  constructor(deps: EgressDeps) {
    this.#deps = deps;
  }

  /** What the controller said last. A damaged file opens nothing: the controller sends the table with the next session. */
  async restore(): Promise<void> {
    const { stateDir, sandbox, log } = this.#deps;
    this.#table = await readTable(join(stateDir, FILE), log);
    await sandbox.setEgress?.(this.#table);
  }

  /** Whether networks are open for sandboxes with this range of user ids. */
  opensFor(uidBase: number): boolean {
    return this.#table.apps.some((app) => app.uidBase === uidBase);
  }

  /** Closes them. Resolves when the file says so too. */
  closeFor(uidBase: number): Promise<void> {
    const closed = this.#turn.then(() =>
      this.#accept({ ...this.#table, apps: this.#table.apps.filter((app) => app.uidBase !== uidBase) }),
    );
    this.#turn = closed.catch(() => undefined);
    return closed;
  }

  /** Never rejects. What cannot be written is applied all the same, and sent again with the next session. */
  accept(table: EgressTable): Promise<void> {
    this.#turn = this.#turn
      .then(() => this.#accept(table))
      .catch((error: unknown) => {
        this.#deps.log.error({ err: error }, 'egress.not_applied');
      });
    return this.#turn;
  }

  async #accept(table: EgressTable): Promise<void> {
    const { stateDir, sandbox } = this.#deps;
    this.#table = table;
    try {
      await sandbox.setEgress?.(table);
    } finally {
      await ensureDir(stateDir, 0o700);
      await writeFileAtomic(join(stateDir, FILE), `${JSON.stringify({ version: 1, table })}\n`, 0o600);
    }
  }
}

async function readTable(path: string, log: Logger): Promise<EgressTable> {
  const text = await readFileIfExists(path);
  if (text === undefined) return NO_EGRESS;
  try {
    return z.object({ version: z.literal(1), table: egressTable }).parse(JSON.parse(text)).table;
  } catch {
    log.error({ path }, 'egress.file_damaged');
    return NO_EGRESS;
  }
}
