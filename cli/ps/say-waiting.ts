import type { DeployBody } from '../../shared/api/deploys.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import type { Cli } from '../cli.ts';

/** Most changes take less time than this. */
const SILENT_MS = 2_000;

/** In these phases, other changes of the app wait. They do not wait for a build, or for the scripts of a live release. */
const HAS_TURN: ReadonlySet<string> = new Set(['waiting', 'starting', 'settling']);

/** A change of an app waits for its running deploy. The note says so, and how to end the deploy or the wait. */
export async function sayWaiting<T>(cli: Cli, app: string, change: Promise<T>): Promise<T> {
  const ended = new AbortController();
  void noteDeploy(cli, app, ended.signal).catch(() => undefined); // the change itself reports a controller that does not answer
  try {
    return await change;
  } finally {
    ended.abort();
  }
}

async function noteDeploy(cli: Cli, app: string, ended: AbortSignal): Promise<void> {
  await systemClock.sleep(SILENT_MS, ended);
  const deploy = await (await cli.api()).call('showDeploy', { params: { app } });
  if (!ended.aborted) cli.note(waitingNote(app, deploy));
}

/** Empty when the change does not wait for this deploy. */
export function waitingNote(app: string, { version, phase }: Pick<DeployBody, 'version' | 'phase'>): string {
  if (version === undefined || !HAS_TURN.has(phase)) return '';
  return ` !     Waiting for the end of the deploy of v${String(version)} of ${app}. See it with: slipway deploy:status -a ${app}
 !     To end the deploy: slipway deploy:abort -a ${app}. Ctrl-C ends this wait; then nothing is changed.
`;
}
