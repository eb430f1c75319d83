import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureDir, readFileIfExists, replaceFile } from '../../../shared/kit/atomic-file.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { Run } from '../../../shared/kit/exec.ts';
import { SerialQueue } from '../../../shared/kit/serial-queue.ts';
import { certificateFile } from './render-https.ts';
import { parsePair, type CertificatePair } from '../../../shared/kit/certificate-pair.ts';
import { CERTIFICATE_MS, proxyPaths, type ProxyPaths, type ProxySettings } from './settings.ts';
import type { TableCertificate } from './slot-table.ts';

const ID = /^[a-z0-9_]{4,64}$/;
const OWN_FILE = /^([a-z0-9_]{4,64})\.pem(\.new)?$/;
const FALLBACK_ID = 'fallback';
const CHECK_MS = 20_000;

/** A certificate of the table, and the file with its text. Absent: only the file of the proxy is left. */
export interface SourceCertificate extends TableCertificate {
  readonly pemFile?: string | undefined;
}

export interface TakenCertificates {
  /** With a file that HAProxy can load. A certificate that is damaged now keeps its former file. */
  readonly usable: readonly TableCertificate[];
  /** Id → why the certificate is not in its file. */
  readonly problems: ReadonlyMap<string, string>;
}

interface Stored {
  readonly fingerprint: string;
  readonly sha1: string;
  /** Changes when another program changes the file. */
  readonly stamp: string;
}

/**
 * The PEM files that HAProxy loads. One bad file would keep HAProxy from starting and from reloading, so each one is parsed, encoded anew and
 * tried with HAProxy before it is in the list.
 */
export class CertificateFiles {
  readonly #paths: ProxyPaths;
  readonly #settings: ProxySettings;
  readonly #run: Run;
  readonly #stored = new Map<string, Stored>();
  /** Taking and removing files happen one after the other, because both are called at any time. */
  readonly #queue = new SerialQueue();
  /** Ids of the last `take`. The process gets them soon. */
  #taken: ReadonlySet<string> = new Set();

  constructor(settings: ProxySettings, run: Run) {
    this.#paths = proxyPaths(settings.stateDir);
    this.#settings = settings;
    this.#run = run;
  }

  take(wanted: readonly SourceCertificate[]): Promise<TakenCertificates> {
    return this.#queue.add(() => this.#take(wanted));
  }

  async #take(wanted: readonly SourceCertificate[]): Promise<TakenCertificates> {
    this.#taken = new Set(wanted.map(({ id }) => id));
    await ensureDir(this.#paths.certificates, 0o700);
    const problems = new Map<string, string>();
    const staged = new Map<string, CertificatePair>();
    for (const each of wanted) {
      try {
        const pair = await this.#fresh(each);
        if (pair !== undefined) staged.set(each.id, pair);
      } catch (error) {
        problems.set(each.id, reasonOf(error));
      }
    }
    for (const id of await this.#refused([...staged.keys()])) {
      staged.delete(id);
      await rm(this.#newFile(id), { force: true });
      problems.set(id, 'HAProxy does not load its certificate');
    }
    for (const [id, { fingerprint, sha1 }] of staged) {
      await rename(this.#newFile(id), certificateFile(id, this.#paths));
      this.#stored.set(id, { fingerprint, sha1, stamp: await this.#stampOf(id) });
    }
    return { usable: wanted.flatMap((each) => this.#usable(each)), problems };
  }

  /** SHA-1 of the leaf, as HAProxy shows it. */
  sha1Of(id: string): string {
    return this.#stored.get(id)?.sha1 ?? '';
  }

  async pemOf(id: string): Promise<string> {
    return parsePair((await readFileIfExists(certificateFile(id, this.#paths))) ?? '').pem;
  }

  /** Forgets files that another program changed or removed. @returns true if there were any */
  async noticeChanges(): Promise<boolean> {
    let changed = false;
    for (const [id, { stamp }] of this.#stored) {
      if ((await this.#stampOf(id)) === stamp) continue;
      this.#stored.delete(id);
      changed = true;
    }
    return changed;
  }

  /** Removes the files of other certificates. The process must not have them in its list any more. */
  removeOthers(used: readonly TableCertificate[]): Promise<void> {
    return this.#queue.add(() => this.#removeOthers(new Set([...this.#taken, ...used.map(({ id }) => id)])));
  }

  async #removeOthers(ids: ReadonlySet<string>): Promise<void> {
    for (const file of await readdir(this.#paths.certificates)) {
      const id = OWN_FILE.exec(file)?.[1];
      const isNew = file.endsWith('.new');
      if (id === undefined || id === FALLBACK_ID || (ids.has(id) && !isNew)) continue;
      if (!isNew) this.#stored.delete(id);
      await rm(join(this.#paths.certificates, file), { force: true });
    }
  }

  /** A certificate that is not in its file yet. It is written beside the file. @throws Error with the reason */
  async #fresh({ id, fingerprint, pemFile }: SourceCertificate): Promise<CertificatePair | undefined> {
    if (!ID.test(id) || id === FALLBACK_ID) throw new Error('its id is not valid');
    if (!this.#stored.has(id)) await this.#adopt(id);
    if (this.#stored.get(id)?.fingerprint === fingerprint) return undefined;
    if (pemFile === undefined) throw new Error(`its file ${certificateFile(id, this.#paths)} is damaged or missing`);
    const text = await readFileIfExists(pemFile);
    if (text === undefined) throw new Error(`its file ${pemFile} is missing`);
    const pair = parsePair(text);
    if (pair.fingerprint !== fingerprint) throw new Error(`its file ${pemFile} has another certificate`);
    await replaceFile(this.#newFile(id), pair.pem, 0o600);
    return pair;
  }

  /** The file of an earlier run, if it is whole. */
  async #adopt(id: string): Promise<void> {
    try {
      const { fingerprint, sha1 } = parsePair((await readFileIfExists(certificateFile(id, this.#paths))) ?? '');
      this.#stored.set(id, { fingerprint, sha1, stamp: await this.#stampOf(id) });
    } catch {
      // it is written anew, or the certificate is not served
    }
  }

  #usable({ id, names }: SourceCertificate): TableCertificate[] {
    const stored = this.#stored.get(id);
    return stored === undefined ? [] : [{ id, fingerprint: stored.fingerprint, names }];
  }

  /** Returns the new files that HAProxy cannot load. It first tries all of them in one check. */
  async #refused(ids: readonly string[]): Promise<readonly string[]> {
    if (ids.length === 0 || (await this.#canLoad(ids))) return [];
    if (ids.length === 1) return ids;
    const half = Math.floor(ids.length / 2);
    return [...(await this.#refused(ids.slice(0, half))), ...(await this.#refused(ids.slice(half)))];
  }

  async #canLoad(ids: readonly string[]): Promise<boolean> {
    const { check, list } = {
      check: join(this.#paths.certificates, 'check.cfg'),
      list: join(this.#paths.certificates, 'check.list'),
    };
    await replaceFile(list, ids.map((id) => `${this.#newFile(id)}\n`).join(''), 0o600);
    await replaceFile(check, checkConfig(list), 0o600);
    const timeoutMs = CHECK_MS + ids.length * CERTIFICATE_MS;
    return (await this.#run({ file: this.#settings.haproxy, args: ['-c', '-f', check], timeoutMs })).code === 0;
  }

  #newFile(id: string): string {
    return `${certificateFile(id, this.#paths)}.new`;
  }

  async #stampOf(id: string): Promise<string> {
    try {
      const { mtimeMs, size, ino } = await lstat(certificateFile(id, this.#paths));
      return [mtimeMs, size, ino].join(' ');
    } catch {
      return '';
    }
  }
}

function checkConfig(list: string): string {
  return [
    'global\n  ssl-load-extra-files none',
    'defaults\n  mode http\n  timeout client 1s\n  timeout connect 1s\n  timeout server 1s',
    `frontend check\n  bind 127.0.0.1:1 ssl crt-list ${list}\n`,
  ].join('\n');
}

function reasonOf(error: unknown): string {
  if (error instanceof SlipwayError) return error.message;
  return error instanceof Error ? error.message : String(error);
}
