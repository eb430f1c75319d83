import { readFileIfExists, ensureDir, replaceFile, writeFileAtomic } from '../../../shared/kit/atomic-file.ts';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SlipwayError, toSlipwayError } from '../../../shared/kit/errors.ts';
import { runOk, type Run } from '../../../shared/kit/exec.ts';
import { ownPageFile, renderPages } from './pages.ts';
import { isPair } from '../../../shared/kit/certificate-pair.ts';
import { fallbackLine, renderAcme, renderCertificateList, renderHttps } from './render-https.ts';
import { renderFronts } from './render-front.ts';
import { renderConfig, renderHosts, renderInstances, renderMembers, renderRefused } from './render.ts';
import { proxyPaths, type ProxyPaths, type ProxySettings } from './settings.ts';
import { parseTable, serializeTable, type SlotTable } from './slot-table.ts';

const CHECK_MS = 20_000;
const OWN_PAGE = /^page_[0-9a-f]{32}\.html$/;

/** PEM: key and certificate of this node, and the CA of its fleet. */
export interface MeshTls {
  readonly key: string;
  readonly certificate: string;
  readonly ca: string;
}

/**
 * The files on disk. With them, HAProxy can restart correctly at any time without the agent. They are replaced by rename without fsync: after a
 * power cut, `ensureRunning` writes every file again before it starts HAProxy.
 */
export class ProxyFiles {
  readonly paths: ProxyPaths;
  readonly #settings: ProxySettings;
  readonly #run: Run;
  /** File → its text on disk, so that unchanged files are not written. */
  readonly #written = new Map<string, string>();

  constructor(settings: ProxySettings, run: Run) {
    this.paths = proxyPaths(settings.stateDir);
    this.#settings = settings;
    this.#run = run;
  }

  /** The stored table; `undefined` if it is missing or damaged. */
  async load(): Promise<SlotTable | undefined> {
    const text = await readFileIfExists(this.paths.state);
    return text === undefined ? undefined : parseTable(text);
  }

  /** Folders and error pages. */
  async prepare(): Promise<void> {
    await this.#ensureDirs();
    for (const [name, text] of Object.entries(renderPages())) await this.#write(join(this.paths.pages, name), text);
  }

  /**
   * Writes the files for the table, host names first. If the agent is killed in between, a backend loses its old host name before it gets the
   * servers of another app.
   */
  async write(table: SlotTable): Promise<void> {
    await this.#writePages(table);
    await this.#write(this.paths.hosts, renderHosts(table));
    await Promise.all([
      this.#write(this.paths.https, renderHttps(table)),
      this.#write(this.paths.acme, renderAcme(table)),
      this.#write(this.paths.fronts, renderFronts(table)),
      this.#write(this.paths.certificateList, renderCertificateList(table, this.paths)),
      this.#write(this.paths.instances, renderInstances(table)),
      this.#write(this.paths.members, renderMembers(table)),
      this.#write(this.paths.refused, renderRefused(table)),
      this.#write(this.paths.config, renderConfig(table, this.#settings)),
      this.#write(this.paths.state, serializeTable(table)),
    ]);
    await this.#removePages(table);
  }

  /** HAProxy reads them when it loads the config. */
  async #writePages({ pages }: SlotTable): Promise<void> {
    for (const { name, html } of pages) await this.#write(join(this.paths.pages, ownPageFile(name)), html);
  }

  /** Own pages that no app uses any more. The running process does not need their files. */
  async #removePages({ pages }: SlotTable): Promise<void> {
    const used = new Set(pages.map(({ name }) => ownPageFile(name)));
    const found = (await readdir(this.paths.pages)).filter((file) => OWN_PAGE.test(file) && !used.has(file));
    for (const file of found) {
      this.#written.delete(join(this.paths.pages, file));
      await rm(join(this.paths.pages, file), { force: true });
    }
  }

  /** Restores files that another program changed or removed. @returns true if there were any */
  async restore(): Promise<boolean> {
    await this.#ensureDirs();
    let changed = false;
    for (const [path, text] of this.#written) {
      if ((await readFileIfExists(path)) === text) continue;
      await replaceFile(path, text, 0o640);
      changed = true;
    }
    return changed;
  }

  /** Writes the certificate of the node for HAProxy. @returns the new text if it has changed */
  async writeMesh({ key, certificate, ca }: MeshTls): Promise<string | undefined> {
    const pem = `${certificate.trim()}\n${key.trim()}\n`;
    const same =
      (await readFileIfExists(this.paths.meshCertificate)) === pem &&
      (await readFileIfExists(this.paths.meshCa)) === ca;
    if (same) return undefined;
    await replaceFile(this.paths.meshCa, ca, 0o600);
    await replaceFile(this.paths.meshCertificate, pem, 0o600);
    return pem;
  }

  /** Makes the certificate for clients without a known name, unless it is there. It names nobody. */
  async ensureFallback(nowMs: number): Promise<void> {
    await ensureDir(this.paths.certificates, 0o700);
    const { fallbackCertificate } = this.paths;
    if (isPair(await readFileIfExists(fallbackCertificate))) return;
    // The library would stay in the memory of every agent.
    const { createFallbackCertificate } = await import('./fallback-certificate.ts');
    await writeFileAtomic(fallbackCertificate, await createFallbackCertificate(nowMs), 0o600);
  }

  /** Lets HAProxy check the new config in a separate file. @throws SLIP_PROXY_CONFIG_REFUSED */
  async check(table: SlotTable): Promise<void> {
    await this.#writePages(table);
    const { check, checkList, hosts, instances, members, refused, https, acme, fronts } = this.paths;
    await replaceFile(checkList, fallbackLine(this.paths), 0o640);
    await replaceFile(check, renderConfig(table, this.#settings, checkList), 0o640);
    // HAProxy reads the maps too. Before the first start they do not exist.
    for (const map of [hosts, instances, members, refused, https, acme, fronts]) {
      if ((await readFileIfExists(map)) === undefined) await this.#write(map, '');
    }
    try {
      await runOk(this.#run, { file: this.#settings.haproxy, args: ['-c', '-f', check], timeoutMs: CHECK_MS });
    } catch (cause) {
      if (toSlipwayError(cause).code === 'SLIP_EXEC_NOT_STARTED') throw haproxyMissing(cause);
      throw new SlipwayError({
        code: 'SLIP_PROXY_CONFIG_REFUSED',
        kind: 'bug',
        message: 'HAProxy rejected its new configuration. The previous one stays active.',
        hint: `See why: haproxy -c -f ${this.paths.check}`,
        cause,
      });
    }
  }

  async #ensureDirs(): Promise<void> {
    for (const dir of [this.#settings.stateDir, this.paths.logDir, this.paths.pages]) await ensureDir(dir, 0o750);
  }

  async #write(path: string, text: string): Promise<void> {
    if ((this.#written.get(path) ?? (await readFileIfExists(path))) !== text) await replaceFile(path, text, 0o640);
    this.#written.set(path, text);
  }
}

function haproxyMissing(cause: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_PROXY_MISSING',
    kind: 'transient',
    message: 'haproxy is not installed, so apps on this node get no requests.',
    hint: 'apt-get install haproxy',
    cause,
  });
}
