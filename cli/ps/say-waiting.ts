import type { DeployBody } from '../../shared/api/deploys.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import type { Cli } from '../cli.ts';

/** Most changes take less time than this. */
const SILENT_MS = 2_000;

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
  if (deploy.running && !ended.aborted) cli.note(waitingNote(app, deploy));
}

export function waitingNote(app: string, { version }: Pick<DeployBody, 'version'>): string {
  const what = version === undefined ? 'the running deploy' : `the deploy of v${String(version)}`;
  return ` !     Waiting for the end of ${what} of ${app}. See it with: slipway deploy:status -a ${app}
 !     To end the deploy: slipway deploy:abort -a ${app}. Ctrl-C ends this wait; then nothing is changed.
`;
}
