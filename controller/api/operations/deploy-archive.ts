import { Readable } from 'node:stream';
import type { DeployLine } from '../../../shared/api/archives.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { App } from '../../domain/apps.ts';
import type { User } from '../../domain/users.ts';
import { requireUnlocked } from '../../release/app-lock.ts';
import type { ApiDeps } from '../deps.ts';
import { TextQueue } from '../text-queue.ts';

interface Upload {
  readonly app: App;
  readonly user: User;
  readonly body: unknown;
  readonly stripsTop: boolean;
  /** Aborts when the caller leaves. Then the build ends; a release that is stored continues. */
  readonly signal: AbortSignal;
}

/**
 * Resolves when the archive is stored. Then the lines follow the deploy to its end. @throws SLIP_APP_LOCKED, SLIP_ARCHIVE_*, and what a push
 * is refused with
 */
export async function deployArchive(
  { archives }: Pick<ApiDeps, 'archives'>,
  { app, user, body, stripsTop, signal }: Upload,
): Promise<AsyncGenerator<DeployLine>> {
  if (!(body instanceof Readable)) throw noArchive();
  try {
    requireUnlocked(app);
    const names = { app: { appId: app.id, name: app.name }, user: { userId: user.id, name: user.name } };
    const stored = await archives.store({ ...names, source: body, stripsTop, signal });
    return deployLines(archives, stored, signal);
  } finally {
    body.resume(); // a client that still sends must be able to read why it was refused
  }
}

async function* deployLines(
  archives: ApiDeps['archives'],
  stored: Parameters<ApiDeps['archives']['deploy']>[0],
  signal: AbortSignal,
): AsyncGenerator<DeployLine> {
  const { files, skipped } = stored;
  const texts = new TextQueue();
  const noted = skipped === 0 ? '' : `; ${String(skipped)} files of .git folders were left out`;
  texts.push(`-----> Archive received: ${String(files)} ${files === 1 ? 'file' : 'files'}${noted}\n`);
  const done = archives.deploy(stored, (text) => texts.push(text), signal).finally(() => texts.close());
  done.catch(() => undefined); // looked at below
  for await (const output of texts.read()) yield { output };
  const outcome = await done;
  yield outcome.ok ? { ok: true } : { ok: false, reason: outcome.reason };
}

function noArchive(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ARCHIVE_BODY',
    httpStatus: 415,
    message: 'An archive is sent as content-type application/octet-stream.',
    hint: 'Use: slipway deploy --archive FILE',
  });
}
