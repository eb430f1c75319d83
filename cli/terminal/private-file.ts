import { rmSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file that only this user can read. */
export interface PrivateFile {
  readonly path: string;
  read(): Promise<string>;
}

const ENDS: Readonly<Partial<Record<NodeJS.Signals, number>>> = { SIGTERM: 143, SIGHUP: 129 };

/**
 * Writes a text to a file of mode 0600 in a folder of its own (0700), and removes the folder at the end: also after an error, and when a
 * signal ends the program. An editor may leave its own copies in the folder.
 */
export async function withPrivateFile<T>(
  { name, text }: { readonly name: string; readonly text: string },
  use: (file: PrivateFile) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const ends = Object.entries(ENDS).map(([signal, code]) => [signal, () => process.exit(code)] as const);
  process.once('exit', remove);
  for (const [signal, end] of ends) process.once(signal, end);
  try {
    const path = join(folder, name);
    await writeFile(path, text, { mode: 0o600, flag: 'wx' });
    return await use({ path, read: () => readFile(path, 'utf8') });
  } finally {
    await rm(folder, { recursive: true, force: true });
    process.off('exit', remove);
    for (const [signal, end] of ends) process.off(signal, end);
  }
}
