import { tableOfNode, type FleetCertificate, type FleetRoutes } from '../../shared/domain/fleet-routes.ts';
import type { CertificateId } from '../../shared/domain/ids.ts';
import { toReason, type Reason } from '../../shared/domain/instance.ts';
import { backoffDelayMs, type BackoffPolicy } from '../../shared/kit/backoff.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { CertificatesServed, UnservedCertificate } from '../../shared/rpc/messages.ts';
import type { CertificateFiles } from './certificate-files.ts';
import type { CertificateTransport, EdgeCertificate } from './port.ts';

export interface NodeCertificatesDeps {
  /** False: the proxy answers no HTTPS, so the node holds no keys and reports nothing. */
  readonly answersHttps: boolean;
  /** This node. The operator may say in the route table that it answers no HTTPS. Then its files are removed at once. */
  readonly nodeId: string;
  readonly files: CertificateFiles;
  readonly transport: CertificateTransport;
  /** Makes the proxy use {@link NodeCertificates.usable}. Resolves when it does. */
  readonly apply: () => Promise<void>;
  /** The certificates that the proxy does not serve, although it has their files. */
  readonly unserved: () => Promise<readonly { readonly id: string; readonly reason: string }[]>;
  readonly report: (served: Omit<CertificatesServed, 'kind'>) => void;
  /** Tells the operator about a file that is not right. */
  readonly tell: (reason: Reason) => void;
  readonly failpoint: Failpoint;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

const RETRY: BackoffPolicy = Object.freeze({ firstMs: 1_000, maxMs: 60_000, factor: 2 });
/** All nodes learn of a new certificate at the same time, and fetch it within this time. */
const SPREAD_MS = 500;
const FETCHES_AT_ONCE = 4;

/**
 * Keeps the files of the certificates of the route table. Routes never wait for it. A certificate without a right file is not served, and its
 * former one is served until the new file is there.
 */
export class NodeCertificates {
  readonly #deps: NodeCertificatesDeps;
  readonly #stop = new AbortController();
  #table: Pick<FleetRoutes, 'version' | 'certificates'> | undefined;
  readonly #usable = new Map<CertificateId, EdgeCertificate>();
  readonly #problems = new Map<CertificateId, Reason>();
  #untold: Reason[] = [];
  /** The certificates of the last report of this session, in which all of them were served. */
  #reported = '';
  #wake: () => void = () => undefined;
  #failures = 0;
  #running: Promise<void> | undefined;

  constructor(deps: NodeCertificatesDeps) {
    this.#deps = deps;
  }

  /** The certificates with a right file, by id. */
  usable(): readonly EdgeCertificate[] {
    return [...this.#usable.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** At the start of the agent: the files of the stored table. The others are fetched later. */
  async open(stored: FleetRoutes | undefined): Promise<void> {
    if (!this.#deps.answersHttps) {
      await this.#deps.files.removeOthers([]);
      return;
    }
    const table = stored === undefined ? undefined : tableOfNode(stored, this.#deps.nodeId);
    this.#table = table;
    for (const certificate of table?.certificates ?? [])
      if (!(await this.#adopt(certificate))) await this.#adoptFormer(certificate);
    this.#running = this.#untilStopped();
  }

  /** The controller has sent this table, so a session is open. */
  follow(sent: FleetRoutes): void {
    if (!this.#deps.answersHttps) return;
    const table = tableOfNode(sent, this.#deps.nodeId);
    this.#table = table;
    for (const reason of this.#untold.splice(0)) this.#deps.tell(reason);
    this.#forgetOthers(table);
    if (this.#reported === JSON.stringify(table.certificates)) return;
    this.#failures = 0;
    this.#wake();
  }

  /** The controller knows nothing of an earlier session. */
  sessionStarted(): void {
    this.#reported = '';
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await this.#running;
  }

  async #untilStopped(): Promise<void> {
    const { clock, random, log } = this.#deps;
    while (!this.#stop.signal.aborted) {
      const wait = new AbortController();
      this.#wake = () => {
        wait.abort();
      };
      const isDone = await this.#round(wait.signal).catch((error: unknown) => {
        log.error({ err: error }, 'certificates.round_failed');
        return false;
      });
      this.#failures = isDone ? 0 : this.#failures + 1;
      const delayMs = isDone ? Infinity : backoffDelayMs(RETRY, this.#failures - 1, random());
      await this.#sleep(clock, delayMs, wait.signal);
    }
  }

  async #sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
    if (delayMs !== Infinity) await clock.sleep(delayMs, signal).catch(() => undefined);
    else await once(signal);
  }

  /** @param newer aborts when there is a newer table @returns false when something must be tried again */
  async #round(newer: AbortSignal): Promise<boolean> {
    const table = this.#table;
    if (table === undefined) return true;
    // A download that was under way when the table changed may have added one.
    this.#forgetOthers(table);
    // The files must not wait for the proxy, which may not run.
    if (table.certificates.length === 0) await this.#deps.files.removeOthers([]);
    const missing = table.certificates.filter((one) => this.#usable.get(one.id)?.fingerprint !== one.fingerprint);
    if (missing.length > 0) await this.#fetchAll(missing);
    for (const { id, names } of table.certificates) this.#rename(id, names);
    await this.#apply(newer);
    if (this.#stop.signal.aborted || newer.aborted) return true;
    await this.#deps.files.removeOthers([...this.#usable.values(), ...table.certificates]);
    const unserved = await this.#unserved(table.certificates);
    this.#deps.report({ version: table.version, unserved });
    this.#reported = unserved.length === 0 ? JSON.stringify(table.certificates) : '';
    return unserved.length === 0;
  }

  /** Ends with the agent too, because nobody applies then, and with a newer table, because the proxy may refuse its routes for hours. */
  async #apply(newer: AbortSignal): Promise<void> {
    const applied = new AbortController();
    const work = this.#deps.apply().finally(() => applied.abort());
    await Promise.race([work, once(AbortSignal.any([applied.signal, this.#stop.signal, newer]))]);
    if (applied.signal.aborted) await work;
  }

  #forgetOthers({ certificates }: Pick<FleetRoutes, 'certificates'>): void {
    const wanted = new Set(certificates.map(({ id }) => id));
    for (const id of [...this.#usable.keys(), ...this.#problems.keys()]) {
      if (wanted.has(id)) continue;
      this.#usable.delete(id);
      this.#problems.delete(id);
    }
  }

  /** A certificate can serve other names without a new file. */
  #rename(id: CertificateId, names: readonly string[]): void {
    const usable = this.#usable.get(id);
    if (usable !== undefined) this.#usable.set(id, { ...usable, names });
  }

  async #fetchAll(missing: readonly FleetCertificate[]): Promise<void> {
    const { clock, random } = this.#deps;
    await clock.sleep(SPREAD_MS * random(), this.#stop.signal).catch(() => undefined);
    const queue = [...missing];
    const fetchNext = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        if (this.#stop.signal.aborted) return;
        await this.#obtain(next);
      }
    };
    await Promise.all(Array.from({ length: Math.min(FETCHES_AT_ONCE, missing.length) }, fetchNext));
  }

  async #obtain(certificate: FleetCertificate): Promise<void> {
    const { transport, files, failpoint, log } = this.#deps;
    if (await this.#adopt(certificate)) return;
    try {
      const pem = await transport.certificate(certificate, this.#stop.signal);
      await failpoint('certificate.fetched');
      await files.write(certificate, pem);
      await this.#adopt(certificate);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      const reason = reasonOf(error);
      if (this.#problems.get(certificate.id)?.message !== reason.message)
        log.warn({ id: certificate.id, err: error }, 'certificates.not_fetched');
      this.#problems.set(certificate.id, reason);
    }
  }

  /** @returns true when its file is right */
  async #adopt(certificate: FleetCertificate): Promise<boolean> {
    const { files, log } = this.#deps;
    const { id, fingerprint, names } = certificate;
    const trouble = await files.trouble(certificate);
    const pemFile = files.pathOf(certificate);
    if (trouble === undefined) {
      this.#usable.set(id, { id, fingerprint, names, pemFile });
      this.#problems.delete(id);
      return true;
    }
    const isKnown = this.#problems.has(id);
    const reason = fileReason(pemFile, names, trouble);
    if (!isKnown) this.#problems.set(id, reason);
    if (trouble === 'missing' || isKnown) return false;
    log.error({ id, path: pemFile, trouble }, 'certificates.bad_file');
    this.#untold.push(reason);
    return false;
  }

  /** The agent stopped after the table had a renewal, and before it had the new file. */
  async #adoptFormer(certificate: FleetCertificate): Promise<void> {
    const former = await this.#deps.files.former(certificate);
    if (former === undefined) return;
    const { id, names } = certificate;
    const { fingerprint } = former;
    this.#usable.set(id, { id, fingerprint, names, pemFile: this.#deps.files.pathOf(former) });
  }

  async #unserved(wanted: readonly FleetCertificate[]): Promise<readonly UnservedCertificate[]> {
    const byProxy = new Map((await this.#deps.unserved()).map(({ id, reason }) => [id, reason]));
    return wanted.flatMap(({ id, fingerprint }) => {
      const usable = this.#usable.get(id);
      const problem = usable?.fingerprint === fingerprint ? undefined : this.#problems.get(id);
      const inProxy = byProxy.get(id);
      const reason = problem ?? (inProxy === undefined ? undefined : proxyReason(inProxy));
      if (reason === undefined) return [];
      const former = usable !== undefined && usable.fingerprint !== fingerprint ? usable.fingerprint : undefined;
      return [{ id, reason, servedFingerprint: former }];
    });
  }
}

function once(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function reasonOf(error: unknown): Reason {
  const { code, message, hint } = toReason(error);
  if (code !== 'SLIP_INTERNAL') return { code, message, hint };
  const why = error instanceof Error ? error.message : 'it cannot be used';
  return {
    code: 'SLIP_CERT_FETCH',
    message: `The answer of the controller is not the certificate: ${why}.`,
    hint: 'The node tries again. See its log with: journalctl -u slipway-agent',
  };
}

function fileReason(path: string, names: readonly string[], trouble: string): Reason {
  const [name = ''] = names;
  const what = trouble === 'missing' ? 'is not on this node yet' : `cannot be used: ${trouble}`;
  return {
    code: 'SLIP_CERT_FILE',
    message: `The certificate for ${name} is not served here, because its file ${path} ${what}.`,
    hint: 'The node fetches it again from the controller. Nothing to do while they are connected.',
  };
}

function proxyReason(why: string): Reason {
  return {
    code: 'SLIP_CERT_PROXY',
    message: `The proxy does not serve the certificate: ${why}.`,
    hint: 'See the log of the node with: journalctl -u slipway-agent',
  };
}
