import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDir } from '../../../shared/kit/atomic-file.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { run } from '../../../shared/kit/exec.ts';
import { gitCommand, removeRefArgs, updateRefArgs } from './git.argv.ts';
import { NO_COMMIT } from './proc-receive.ts';
import { readRef } from './repository.ts';

/**
 * Moves a ref from one commit to another, completely or not at all. After it resolves, the move survives a power cut. Zeros as the old commit
 * mean that the ref must not exist. A move to the present commit does nothing, so a recovery may repeat it.
 * @throws SLIP_PUSH_REF_MOVED when the ref has another commit now, SLIP_PUSH_REF_WRITE when it cannot be written
 */
export async function moveRef(repositoryDir: string, ref: string, move: { from: string; to: string }): Promise<void> {
  await updateRef(repositoryDir, { ref, ...move, args: updateRefArgs(ref, move.to, move.from) });
}

/** Removes a ref that has this commit. The same holds as for {@link moveRef}. @throws SLIP_PUSH_REF_MOVED, SLIP_PUSH_REF_WRITE */
export async function removeRef(repositoryDir: string, ref: string, commit: string): Promise<void> {
  await updateRef(repositoryDir, { ref, from: commit, to: NO_COMMIT, args: removeRefArgs(ref, commit) });
}

async function updateRef(
  repositoryDir: string,
  { ref, from, to, args }: { readonly ref: string; from: string; to: string; readonly args: readonly string[] },
): Promise<void> {
  const update = gitCommand(repositoryDir, args);
  let result = await run(update);
  if (result.code !== 0 && result.stderr.includes('.lock')) {
    await removeLock(repositoryDir, ref);
    result = await run(update);
  }
  if (result.code !== 0) {
    const now = (await readRef(repositoryDir, ref)) ?? NO_COMMIT;
    if (now === from) throw refNotWritten(ref, result.stderr);
    if (now !== to) throw refMoved(ref, now, result.stderr);
  }
  await syncDir(dirname(join(repositoryDir, ref)));
}

function refNotWritten(ref: string, stderr: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_PUSH_REF_WRITE',
    kind: 'transient',
    message: `The release is live, but the controller could not write ${ref} to the app's repository yet.`,
    hint: 'Check the free space and the permissions of the folder repos in its state folder. The controller tries again.',
    cause: stderr.trim().slice(0, 500),
  });
}

function refMoved(ref: string, now: string, stderr: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_PUSH_REF_MOVED',
    kind: 'conflict',
    message: `${ref} is at ${now === NO_COMMIT ? 'no commit' : now.slice(0, 7)} now, so Slipway did not move it.`,
    hint: 'Fetch, merge, and push again: git fetch slipway',
    cause: stderr.trim().slice(0, 500),
  });
}

/** Only releases move a deploy ref, one at a time for each app. So an existing lock belongs to a killed git. */
async function removeLock(repositoryDir: string, ref: string): Promise<void> {
  await rm(join(repositoryDir, `${ref}.lock`), { force: true });
}
