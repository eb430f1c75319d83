import type { Clock } from '../../../shared/kit/clock.ts';
import type { Failpoint } from '../../../shared/kit/failpoint.ts';
import type { Logger } from '../../../shared/kit/log.ts';
import { SerialQueue } from '../../../shared/kit/serial-queue.ts';
import { lookAtList, runStep, sha1sOf } from './certificate-commands.ts';
import type { CertificateFiles } from './certificate-files.ts';
import { idOf, planCertificates, type CertificateStep, type WantedCertificate } from './plan-certificates.ts';
import { certificateFile, listedCertificates } from './render-https.ts';
import type { Runtime } from './runtime.ts';
import type { ProxyPaths } from './settings.ts';
import type { SlotTable } from './slot-table.ts';

/** The pause between two changes. HAProxy serves no request during a change, so requests get their turn in the pauses. */
const PACE_MS = 50;
/** A change that failed is tried again after this time. */
const RETRY_MS = 60_000;
/** The process may be reloaded in the meantime. */
const ROUNDS_MAX = 5;

export interface CertificateSyncDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly runtime: Pick<Runtime, 'info' | 'talk'>;
  readonly files: Pick<CertificateFiles, 'pemOf' | 'sha1Of' | 'removeOthers'>;
  readonly paths: ProxyPaths;
  readonly failpoint: Failpoint;
}

/** Changes the certificates of the running process, one after the other. Their files and the list are written before. */
export class CertificateSync {
  readonly #deps: CertificateSyncDeps;
  readonly #queue = new SerialQueue();
  #table: SlotTable | undefined;
  /** The worker that was looked at, and the SHA-1 of each of its files. */
  #known: { readonly workerPid: number; readonly sha1s: Map<string, string> } | undefined;
  /** What the process had after the last changes. */
  #settled = { workerPid: 0, content: '' };
  /** Step that failed → the id of its certificate. */
  #failed = new Map<string, string>();
  #failedAtMs = 0;

  constructor(deps: CertificateSyncDeps) {
    this.#deps = deps;
  }

  /** Brings the process to this table, after the changes that are under way. */
  follow(table: SlotTable): void {
    this.#table = table;
    void this.#queue.add(() => this.#sync(table).catch((error: unknown) => this.#note(error)));
  }

  /** No other change begins. */
  stop(): void {
    this.#table = undefined;
  }

  /** Resolves when the changes so far have ended. @returns ids of certificates that the process did not take */
  async settled(): Promise<ReadonlySet<string>> {
    await this.#queue.settled();
    return new Set(this.#failed.values());
  }

  /** True if the process has this certificate. */
  hasLoaded(id: string, sha1: string): boolean {
    return this.#known?.sha1s.get(certificateFile(id, this.#deps.paths)) === sha1;
  }

  async #sync(table: SlotTable): Promise<void> {
    if (this.#table !== table) return;
    const content = JSON.stringify(listedCertificates(table));
    const { workerPid } = await this.#deps.runtime.info();
    if (this.#mustRetry()) this.#failed = new Map();
    else if (this.#settled.workerPid === workerPid && this.#settled.content === content) return;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const steps = await this.#plan(table);
      if (!(await this.#runAll(steps, table))) return;
      if (steps.length === 0) break;
    }
    this.#settled = { workerPid: this.#known?.workerPid ?? 0, content };
    await this.#deps.files.removeOthers(table.certificates);
  }

  #mustRetry(): boolean {
    return this.#failed.size > 0 && this.#deps.clock.monotonicMs() - this.#failedAtMs >= RETRY_MS;
  }

  /** @returns false if a newer table is next */
  async #runAll(steps: readonly CertificateStep[], table: SlotTable): Promise<boolean> {
    for (const step of steps) {
      if (this.#table !== table) return false;
      await this.#run(step);
      await this.#deps.clock.sleep(PACE_MS);
    }
    return this.#table === table;
  }

  async #plan(table: SlotTable): Promise<readonly CertificateStep[]> {
    const { runtime, paths, files } = this.#deps;
    const { workerPid } = await runtime.info();
    if (this.#known?.workerPid !== workerPid) {
      this.#known = { workerPid, sha1s: new Map() };
      this.#failed = new Map();
    }
    const { sha1s } = this.#known;
    const { certificateList: list, certificates: folder, fallbackCertificate: fallback } = paths;
    const seen = await runtime.talk((say) => lookAtList(say, { list, folder, fallback }));
    const unknown = seen.files.filter((file) => !sha1s.has(file));
    for (const [file, sha1] of await runtime.talk((say) => sha1sOf(say, unknown))) sha1s.set(file, sha1);
    const loaded = new Map(seen.files.map((file) => [file, sha1s.get(file) ?? '']));
    const wanted = listedCertificates(table).map((each): WantedCertificate => {
      return { ...each, file: certificateFile(each.id, paths), sha1: files.sha1Of(each.id) };
    });
    return planCertificates({ loaded, listed: seen.listed }, wanted).filter((step) => !this.#failed.has(keyOf(step)));
  }

  async #run(step: CertificateStep): Promise<void> {
    const { runtime, files, paths, failpoint, logger } = this.#deps;
    const file = fileOf(step);
    try {
      const pem = step.kind === 'add' || step.kind === 'replace' ? await files.pemOf(idOf(file)) : '';
      this.#known?.sha1s.delete(file);
      await runtime.talk((say) => runStep(say, step, { list: paths.certificateList, pem, failpoint }));
      if ('wanted' in step) this.#known?.sha1s.set(file, step.wanted.sha1);
      if (step.kind !== 'list' && step.kind !== 'unlist')
        logger.info({ file, change: step.kind }, 'proxy.certificate_changed');
    } catch (error) {
      this.#failed.set(keyOf(step), idOf(file));
      this.#failedAtMs = this.#deps.clock.monotonicMs();
      this.#note(error);
    }
  }

  #note(error: unknown): void {
    this.#deps.logger.error({ err: error }, 'proxy.certificate_not_changed');
  }
}

function fileOf(step: CertificateStep): string {
  if (step.kind === 'unlist') return step.entry.file;
  return step.kind === 'remove' ? step.file : step.wanted.file;
}

function keyOf(step: CertificateStep): string {
  return JSON.stringify(step);
}
