import { lstat, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureDir, syncDir, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import { parsePair } from '../../shared/kit/certificate-pair.ts';
import { isErrno } from '../../shared/kit/errors.ts';

interface Named {
  readonly id: string;
  readonly fingerprint: string;
}

const MODE = 0o600;

/** One file for each certificate, with its key. */
export class CertificateFiles {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  pathOf({ id, fingerprint }: Named): string {
    return join(this.#dir, `${id}.${fingerprint}.pem`);
  }

  /** @returns why the file cannot be used; `missing`: there is none */
  async trouble(certificate: Named): Promise<string | undefined> {
    const path = this.pathOf(certificate);
    try {
      const found = await lstat(path);
      if (!found.isFile()) return 'it is not a file';
      if ((found.mode & 0o777) !== MODE) return `its mode is ${(found.mode & 0o777).toString(8)} instead of 600`;
      checkText(await readFile(path, 'utf8'), certificate);
      return undefined;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return 'missing';
      return error instanceof Error ? error.message : 'it cannot be read';
    }
  }

  /** A right file with another fingerprint: the certificate before a renewal. */
  async former({ id, fingerprint }: Named): Promise<Named | undefined> {
    const names = await readdir(this.#dir).catch((): readonly string[] => []);
    for (const name of names) {
      const [, ofId, other = ''] = /^([a-z0-9]+)\.([0-9a-f]{64})\.pem$/.exec(name) ?? [];
      if (ofId !== id || other === fingerprint) continue;
      const former = { id, fingerprint: other };
      if ((await this.trouble(former)) === undefined) return former;
    }
    return undefined;
  }

  /** Replaces the whole file or nothing. @throws Error with a reason when the text is not this certificate */
  async write(certificate: Named, text: string): Promise<void> {
    const pem = checkText(text, certificate);
    await ensureDir(this.#dir, 0o700);
    await writeFileAtomic(this.pathOf(certificate), pem, MODE);
  }

  /** Removes every other file, also the remains of writes that a crash cut off. */
  async removeOthers(kept: readonly Named[]): Promise<void> {
    const paths = new Set(kept.map((one) => this.pathOf(one)));
    const names = await readdir(this.#dir).catch((error: unknown): readonly string[] => {
      if (isErrno(error, 'ENOENT')) return [];
      throw error;
    });
    const others = names.map((name) => join(this.#dir, name)).filter((path) => !paths.has(path));
    for (const path of others) await rm(path, { force: true, recursive: true });
    if (others.length > 0) await syncDir(this.#dir);
  }
}

/** @returns the text, encoded anew from its data. @throws Error with a reason that has no part of the text */
function checkText(text: string, { fingerprint }: Named): string {
  const pair = parsePair(text);
  if (pair.fingerprint !== fingerprint) throw new Error('it has another certificate');
  return pair.pem;
}
