import { lstat, mkdir, readdir, readFile, rm, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../../../shared/kit/atomic-file.ts';

/** What apt needs to find packages. Never auth.conf and apt.conf, because they contain passwords of mirrors and proxies. */
const FILES = ['sources.list', 'trusted.gpg', 'preferences'];
const FOLDERS = ['sources.list.d', 'trusted.gpg.d', 'keyrings', 'preferences.d'];
/** A list or a key has a few kilobytes. */
const MAX_FILE_BYTES = 1024 * 1024;
const MAX_FILES = 200;

/** Copies the apt lists and keys of this machine for the sandboxes, without passwords, and deletes copies of removed files. */
export async function copyAptSettings(source: string, target: string): Promise<void> {
  const names = await settingFiles(source);
  for (const name of names) await copySetting(join(source, name), join(target, name));
  // Programs read this file even if a distribution uses only sources.list.d.
  if (!names.includes('sources.list')) await writeIfAbsent(join(target, 'sources.list'));
  for (const name of await settingFiles(target))
    if (!names.includes(name) && name !== 'sources.list') await rm(join(target, name), { force: true });
}

/** Addresses without user name and password. Pure. */
export function withoutPasswords(text: string): string {
  return text.replace(/([a-z][a-z0-9+]*:\/\/)[^\s/]*@/gi, '$1');
}

async function settingFiles(root: string): Promise<string[]> {
  const listed = await Promise.all(
    FOLDERS.map(async (folder) =>
      (await readdir(join(root, folder)).catch(() => [])).map((name) => `${folder}/${name}`),
    ),
  );
  const all = [...FILES, ...listed.flat()].slice(0, MAX_FILES);
  const facts = await Promise.all(all.map((name) => lstat(join(root, name)).catch(() => undefined)));
  // Only files that every user of this machine may read.
  return all.filter((_, index) => {
    const found = facts[index];
    return found?.isFile() === true && (found.mode & 0o004) !== 0 && found.size <= MAX_FILE_BYTES;
  });
}

async function copySetting(source: string, target: string): Promise<void> {
  const [from, to] = await Promise.all([lstat(source), lstat(target).catch(() => undefined)]);
  if (to?.mtime.getTime() === from.mtime.getTime()) return;
  const bytes = await readFile(source);
  const isList = /(sources\.list|\.list|\.sources)$/.test(source);
  await mkdir(dirname(target), { recursive: true, mode: 0o755 });
  await writeFileAtomic(target, isList ? withoutPasswords(bytes.toString('utf8')) : bytes);
  await utimes(target, from.mtime, from.mtime);
}

async function writeIfAbsent(path: string): Promise<void> {
  if ((await lstat(path).catch(() => undefined)) !== undefined) return;
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await writeFileAtomic(path, '');
  // Older than any list that comes later.
  await utimes(path, 0, 0);
}
