import type { Clock } from '../../../shared/kit/clock.ts';
import type { Run } from '../../../shared/kit/exec.ts';
import type { SlipwayError } from '../../../shared/kit/errors.ts';
import type { Failpoint } from '../../../shared/kit/failpoint.ts';
import type { Logger } from '../../../shared/kit/log.ts';
import type { EdgeCertificate } from '../../certificates/port.ts';
import type { UnservedCertificate } from '../port.ts';
import { CertificateFiles } from './certificate-files.ts';
import { CertificateSync } from './certificate-sync.ts';
import type { ProxyFiles } from './files.ts';
import type { Runtime } from './runtime.ts';
import type { ProxySettings } from './settings.ts';
import type { SlotTable, TableCertificate } from './slot-table.ts';
import { TlsPorts } from './tls-ports.ts';
import type { Watcher } from './watcher.ts';

export interface EdgeDeps {
  readonly run: Run;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly failpoint: Failpoint;
  readonly runtime: Runtime;
  readonly watcher: Watcher;
  readonly files: ProxyFiles;
}

const HOW_TO_CHANGE = 'the port is proxy.tls in agent.json';

/** The part of a table for HTTPS. */
type EdgeState = Pick<SlotTable, 'tls' | 'certificates'>;

/** HTTPS for clients: the port, the files of the certificates, and the certificates of the running process. */
export class EdgeCertificates {
  readonly #proxyFiles: ProxyFiles;
  /** No port for HTTPS is set. */
  readonly #isOff: boolean;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #ports: TlsPorts;
  readonly #files: CertificateFiles;
  readonly #sync: CertificateSync;
  /** Of the last `apply`; absent before the first. */
  #wanted: readonly EdgeCertificate[] | undefined;
  /** Of the last `apply`: this node answers no HTTPS. */
  #isPlainOnly = false;
  #problems: ReadonlyMap<string, string> = new Map();

  constructor(settings: ProxySettings, deps: EdgeDeps) {
    const { paths } = deps.files;
    this.#proxyFiles = deps.files;
    this.#isOff = settings.tlsBinds.length === 0;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#ports = new TlsPorts(settings, deps);
    this.#files = new CertificateFiles(settings, deps.run);
    this.#sync = new CertificateSync({ ...deps, paths, files: this.#files });
  }

  /** What the proxy can serve of these certificates. Without them: of the last ones, or of those in the table. */
  async take(before: SlotTable, wanted = this.#wanted, isPlainOnly = this.#isPlainOnly): Promise<EdgeState> {
    this.#wanted = wanted;
    this.#isPlainOnly = isPlainOnly;
    if (isPlainOnly) {
      await this.#files.take([]);
      return { tls: false, certificates: [] };
    }
    if (!(await this.#ports.areUsable(before.tls))) return { tls: false, certificates: before.certificates };
    await this.#proxyFiles.ensureFallback(this.#clock.nowMs());
    const { usable, problems } = await this.#files.take(wanted ?? before.certificates);
    for (const [id, reason] of problems)
      if (this.#problems.get(id) !== reason) this.#logger.error({ id, reason }, 'proxy.certificate_refused');
    this.#problems = problems;
    return { tls: true, certificates: usable };
  }

  /** @returns what has changed on this machine: the port is free now, or a file was damaged */
  async repair(table: SlotTable): Promise<EdgeState | undefined> {
    const hasChanged = await this.#files.noticeChanges();
    if (table.tls) await this.#proxyFiles.ensureFallback(this.#clock.nowMs());
    if (this.#isPlainOnly || (this.#ports.failure === undefined && !hasChanged)) return undefined;
    const now = await this.take(table);
    return now.tls === table.tls && sameCertificates(now.certificates, table.certificates) && !hasChanged
      ? undefined
      : now;
  }

  /** Call it when the process has the layout of the table. */
  async follow(table: SlotTable): Promise<void> {
    if (table.tls) this.#sync.follow(table);
    else if (this.#isPlainOnly) await this.#files.removeOthers([]);
  }

  /** The process ends. */
  stop(): void {
    this.#sync.stop();
  }

  async unserved(): Promise<readonly UnservedCertificate[]> {
    const failed = await this.#sync.settled();
    return (this.#wanted ?? []).flatMap(({ id }) => {
      const reason = this.#reasonFor(id, failed);
      return reason === undefined ? [] : [{ id, reason }];
    });
  }

  #reasonFor(id: string, failed: ReadonlySet<string>): string | undefined {
    const { failure } = this.#ports;
    if (failure !== undefined) return describeFailure(failure);
    if (this.#isOff) return 'HTTPS is switched off on this node; proxy.tls in agent.json switches it on';
    const problem = this.#problems.get(id);
    if (problem !== undefined) return problem;
    if (failed.has(id)) return 'HAProxy did not take its certificate';
    return this.#sync.hasLoaded(id, this.#files.sha1Of(id)) ? undefined : 'HAProxy does not have its certificate yet';
  }

  problems(): readonly string[] {
    const { failure } = this.#ports;
    if (failure === undefined || this.#isPlainOnly) return [];
    const text = describeFailure(failure);
    return [`${text}, so it does not answer HTTPS; ${HOW_TO_CHANGE}`];
  }
}

function describeFailure({ code, message, details }: SlipwayError): string {
  const port = String(details['port'] ?? '');
  if (code === 'SLIP_PROXY_PORT_BUSY')
    return `another program has port ${port} (which one: ss -ltnp 'sport = :${port}')`;
  if (code === 'SLIP_PROXY_PORT_DENIED') return `only root may listen on port ${port}`;
  return message.replace(/\.$/, '');
}

function sameCertificates(a: readonly TableCertificate[], b: readonly TableCertificate[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
