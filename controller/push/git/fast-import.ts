import { once } from 'node:events';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { start } from '../../../shared/kit/exec.ts';
import { fastImportCommand } from './git.argv.ts';

export interface ImportedFile {
  readonly path: string;
  readonly mode: '100644' | '100755' | '120000';
  readonly bytes: number;
}

const COMMIT = /^[0-9a-f]{40}$/;
const STDERR_MAX = 2_000;

/** One commit, written to a repository as a stream by `git fast-import`. Files go through it without a work tree. */
export class FastImport {
  readonly #child: ReturnType<typeof start>;
  readonly #ended: Promise<unknown>;
  #stdout = '';
  #stderr = '';

  constructor(repositoryDir: string, signal: AbortSignal) {
    this.#child = start({ ...fastImportCommand(repositoryDir), signal }, ['pipe', 'pipe', 'pipe']);
    const { stdin, stdout, stderr } = this.#child;
    stdin?.on('error', () => undefined); // its exit code says why
    stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout = (this.#stdout + text).slice(-100)));
    stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr = (this.#stderr + text).slice(-STDERR_MAX)));
    this.#ended = once(this.#child, 'close');
    this.#ended.catch(() => undefined); // an abort; the caller sees its own signal
  }

  /** Begins the commit. @param author a user name */
  async begin(commit: { readonly author: string; readonly timeMs: number; readonly message: string }): Promise<void> {
    const at = `${commit.author} <${commit.author}@slipway> ${String(Math.floor(commit.timeMs / 1000))} +0000`;
    await this.#write(`feature done\ncommit refs/heads/archive\nmark :1\ncommitter ${at}\n${dataOf(commit.message)}`);
  }

  /** Follow it with exactly `bytes` bytes of {@link content}, then with {@link endFile}. */
  async beginFile({ path, mode, bytes }: ImportedFile): Promise<void> {
    await this.#write(`M ${mode} inline ${quotePath(path)}\ndata ${String(bytes)}\n`);
  }

  async content(chunk: Uint8Array): Promise<void> {
    await this.#write(chunk);
  }

  async endFile(): Promise<void> {
    await this.#write('\n');
  }

  async copy(from: string, to: string): Promise<void> {
    await this.#write(`C ${quotePath(from)} ${quotePath(to)}\n`);
  }

  /** Makes a folder the top of the commit. */
  async makeRoot(folder: string): Promise<void> {
    await this.#write(`R ${quotePath(folder)} ""\n`);
  }

  /** Resolves to the id of the commit when git has written all. @throws SLIP_ARCHIVE_STORE */
  async finish(): Promise<string> {
    await this.#write('\nget-mark :1\ndone\n');
    this.#child.stdin?.end();
    await this.#ended;
    const commit = this.#stdout.trim();
    if (this.#child.exitCode !== 0 || !COMMIT.test(commit)) throw this.#failure();
    return commit;
  }

  /** Ends git without a result. Resolves when it has ended. */
  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended.catch(() => undefined);
  }

  /** Waits until git reads. @throws SLIP_ARCHIVE_STORE when git has ended */
  async #write(data: string | Uint8Array): Promise<void> {
    const { stdin } = this.#child;
    if (stdin?.writable !== true) throw this.#failure();
    if (stdin.write(data)) return;
    const drained = new AbortController();
    await Promise.race([once(stdin, 'drain', { signal: drained.signal }).catch(() => undefined), this.#ended]);
    drained.abort();
  }

  #failure(): SlipwayError {
    return new SlipwayError({
      code: 'SLIP_ARCHIVE_STORE',
      kind: 'transient',
      message: 'The controller could not store the content of the archive.',
      hint: 'Try again. If this happens again, look at the free disk space and the log of the controller.',
      cause: this.#stderr.trim() || `git ended with ${this.#child.signalCode ?? String(this.#child.exitCode)}`,
    });
  }
}

function dataOf(text: string): string {
  return `data ${String(Buffer.byteLength(text))}\n${text}\n`;
}

/** A path in the format of fast-import. Pure. */
export function quotePath(path: string): string {
  return `"${path.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}
