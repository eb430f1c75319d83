import type { Logger } from '../../shared/kit/log.ts';
import type { Proxy } from '../proxy/port.ts';
import { writeMark, type Mark } from './marks.ts';

export interface MarkWriterDeps {
  readonly proxy: Pick<Proxy, 'writeLogLine'>;
  readonly log: Logger;
}

/** A mark that is not in the log by then never comes, because nothing writes the log. */
const TIMEOUT_MS = 5_000;
/** After one mark that did not come: deploys do not wait for a log that nothing writes. A working log has a mark in a few milliseconds. */
const NO_LOG_TIMEOUT_MS = 100;

/** Writes marks into the log of the proxy, and knows whether they arrive there. */
export class MarkWriter {
  readonly #deps: MarkWriterDeps;
  #arrives = true;

  constructor(deps: MarkWriterDeps) {
    this.#deps = deps;
  }

  /** How long to wait for a mark. */
  get timeoutMs(): number {
    return this.#arrives ? TIMEOUT_MS : NO_LOG_TIMEOUT_MS;
  }

  /** @returns false when nothing takes the line */
  async write(mark: Mark): Promise<boolean> {
    try {
      return await this.#deps.proxy.writeLogLine(writeMark(mark));
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'switches.mark_not_written');
      return false;
    }
  }

  /** A mark was read from the log. */
  arrived(): void {
    this.#arrives = true;
  }

  /** A mark did not come, or the log cannot be read. */
  missing(): void {
    this.#arrives = false;
  }
}
