import { lstat } from 'node:fs/promises';
import { basename, join, posix, resolve } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { AttachedProcess } from '../../shared/attach/attached-process.ts';
import { COPY_COMMANDS } from '../../shared/attach/purpose.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { written } from '../attached-command.ts';
import type { Cli, CommandRun } from '../cli.ts';
import { escapeUntrusted } from '../terminal/escape.ts';
import { renderNotice } from '../terminal/notice.ts';
import { usageError } from '../usage-error.ts';
import { packPath, unpackTo } from './copy-files.ts';

interface RemotePath {
  readonly instance: string;
  /** Absolute, or below /app. */
  readonly path: string;
}

interface Place extends RemotePath {
  readonly app: string;
}

/** `web.1:/app/data`. Undefined for a path of this machine. */
export function remotePath(word: string): RemotePath | undefined {
  const [, instance, path] = /^([A-Za-z0-9_-]{1,63}\.\d{1,6}):(.+)$/s.exec(word) ?? [];
  if (instance === undefined || path === undefined) return undefined;
  return { instance, path: posix.resolve('/app', path) };
}

export const copy: CommandRun = async (cli, [from = '', to = ''], flags) => {
  const app = await cli.app(flags);
  const [source, target] = [remotePath(from), remotePath(to)];
  if ((source === undefined) === (target === undefined)) {
    throw usageError(
      'Exactly one of the two paths must be in an instance.',
      'For example: slipway ps:copy web.1:/app/log ./log — or: slipway ps:copy ./seed.csv web.1:/tmp/',
    );
  }
  if (source !== undefined) await download(cli, { app, ...source }, to);
  else if (target !== undefined) await upload(cli, from, { app, ...target });
};

/** Into a folder that exists, as `cp` does; otherwise the copy gets the given name. */
async function download(cli: Cli, place: Place, to: string): Promise<void> {
  const name = posix.basename(place.path);
  const isFolder = (await lstat(to).catch(() => undefined))?.isDirectory() === true;
  const target = isFolder ? join(to, name) : resolve(to);
  const archive = new PassThrough();
  const command = COPY_COMMANDS.pack(posix.dirname(place.path), name);
  const tar = await startIn(cli, place, { command, output: archive });
  const unpacking = unpackTo(target, name, archive);
  const reading = tar.process.exited.then((code) => {
    if (code !== 0) throw copyFailed(tar.errors(), code);
    archive.end();
  });
  // The first failure is the cause of the other one.
  for (const part of [unpacking, reading]) part.catch(() => archive.destroy());
  const [{ files, skipped }] = await Promise.all([unpacking, reading]);
  cli.note(`Copied ${String(files)} ${files === 1 ? 'file' : 'files'} to ${to}.\n`);
  if (skipped.length > 0) cli.note(`Left out ${String(skipped.length)} links or special files.\n`);
}

async function upload(cli: Cli, from: string, place: Place): Promise<void> {
  await lstat(from).catch((cause: unknown) => {
    throw usageError(
      `There is no file or folder ${JSON.stringify(from)} on this machine.`,
      String(cause).slice(0, 200),
    );
  });
  const probe = await startIn(cli, place, {
    command: COPY_COMMANDS.isFolder(place.path),
    output: new PassThrough().resume(),
  });
  const isFolder = (await probe.process.exited) === 0;
  const [folder, name] = isFolder
    ? [place.path, basename(resolve(from))]
    : [posix.dirname(place.path), posix.basename(place.path)];
  const command = COPY_COMMANDS.unpack(folder);
  const tar = await startIn(cli, place, { command, output: new PassThrough().resume() });
  const input = new Writable({
    write: (chunk: Buffer, _encoding, done) => void tar.process.input(chunk).then(() => done()),
  });
  const packing = packPath(from, name, input).then(() => tar.process.inputEnd());
  packing.catch(() => tar.process.close());
  const [packed, ended] = await Promise.allSettled([packing, tar.process.exited]);
  if (packed.status === 'rejected') throw packed.reason;
  if (ended.status === 'rejected') throw ended.reason;
  if (ended.value !== 0) throw copyFailed(tar.errors(), ended.value);
  cli.note(`Copied ${from} to ${place.instance}:${posix.join(folder, name)}.\n`);
}

interface Tar {
  readonly command: readonly string[];
  readonly output: Writable;
}

const ERRORS_KEPT = 2_000;

async function startIn(
  cli: Cli,
  { app, instance }: Place,
  { command, output }: Tar,
): Promise<{ process: AttachedProcess; errors: () => string }> {
  const api = await cli.api();
  const stream = await api.attach('attachInstance', { params: { app, instance } });
  let errors = '';
  const keepErrors = async (bytes: Uint8Array): Promise<void> => {
    errors = (errors + Buffer.from(bytes).toString('utf8')).slice(0, ERRORS_KEPT);
  };
  const process = new AttachedProcess(
    stream,
    {
      output: (bytes) => written(output, bytes),
      errors: keepErrors,
      notice: (text) => cli.note(renderNotice(text)),
    },
    systemClock,
  );
  process.start({ mode: 'pipe', words: command });
  return { process, errors: () => errors };
}

function copyFailed(errors: string, code: number): SlipwayError {
  const [first = ''] = errors.trim().split('\n');
  const why = first === '' ? `tar ended with exit code ${String(code)}` : escapeUntrusted(first.slice(0, 300), 'none');
  return new SlipwayError({
    code: 'SLIP_COPY_FAILED',
    message: `The copy failed in the instance: ${why}.`,
    hint: 'Look at the folder with: slipway ps:exec web.1 ls -l FOLDER',
  });
}
