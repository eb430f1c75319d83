import { SCRIPT_KEYS } from '../../shared/domain/deploy-scripts.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import type { Failure } from '../assignments/instance-failure.ts';
import type { ReleaseStep } from './release-step.ts';

/** People who come from Dokku expect that the files of predeploy are kept. */
const FILES_NOT_KEPT = '       Files that it changes are not kept: the slug stays as it was built.\n';

export function renderRunning({ script }: ReleaseStep): string {
  if (script === undefined) return '-----> Running release command...\n';
  const once = script === 'setup' ? ' once, after the first deploy' : '';
  return `-----> Running ${SCRIPT_KEYS[script]} of app.json${once}...\n${script === 'predeploy' ? FILES_NOT_KEPT : ''}`;
}

/** The line before the output of a command in the output of its release. */
export function renderOutputHead(process: string, { script }: ReleaseStep): string {
  const from = script === undefined ? 'release of the Procfile' : `${SCRIPT_KEYS[script]} of app.json`;
  return `=== ${process}: ${from}\n`;
}

export function renderNoNodeYet(message: string, patienceMs: number): string {
  return ` !     ${message}\n !     Waiting up to ${formatDuration(patienceMs)} for a node.\n`;
}

/**
 * Printed when a script fails after the release was live. It does not say that the release is still live, because a failed bake or a newer
 * release may have replaced it meanwhile.
 */
export function renderScriptFailed(
  { message }: Failure,
  { app, version }: { readonly app: string; readonly version: number },
): string {
  const lines = [
    message,
    `This does not change v${String(version)}, and the script does not run again for it.`,
    `Look at its output with: slipway releases:output v${String(version)} -a ${app}`,
    `To run it again: slipway run -a ${app} -- COMMAND`,
  ];
  return lines.map((line) => ` !     ${line}\n`).join('');
}

/** Printed when the controller stops while a script waits or runs. */
export function renderScriptsContinue(app: string): string {
  return ` !     The controller stops. The scripts of app.json continue after its next start: slipway run:list -a ${app}\n`;
}
