import type { BuildTask } from '../../shared/domain/build.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { humanBytes } from './heroku-output.ts';

/** The failure that the script in the sandbox reported. The content is untrusted. */
export interface InsideFailure {
  readonly kind: string;
  readonly details: readonly string[];
}

interface Sentence {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

const PUSH_AGAIN = 'commit and push again';
const MAX_DETAIL_LENGTH = 300;
/** A word that a shell does not change. */
const SHELL_WORD = /^[\w./@+][\w./@+-]*$/;

/** One entry for each kind that agent/build/inside reports. Unknown kinds become SLIP_BUILD_ENDED_EARLY. */
const SENTENCES: Readonly<Record<string, (details: readonly string[], task: BuildTask) => Sentence>> = {
  BAD_SOURCE: ([why]) => ({
    code: 'SLIP_BUILD_BAD_SOURCE',
    message: `The source archive cannot be unpacked${because(why)}.`,
    hint: 'Send a tar archive that is compressed with gzip. git push does this for you.',
  }),
  UNSAFE_SOURCE: ([why, name]) => ({
    code: 'SLIP_BUILD_UNSAFE_SOURCE',
    message: `The source archive was refused: ${name ?? 'a member'} is ${why ?? 'not allowed'}.`,
    hint: 'An archive may contain only files, folders and symlinks below its root. Remove this member and send the archive again.',
  }),
  NOTHING_DETECTED: nothingDetected,
  FETCH_FAILED: ([ref, why, todo]) => ({
    code: 'SLIP_BUILD_BUILDPACK_FETCH',
    message: `The buildpack ${ref ?? ''} could not be fetched${because(why?.replace(/\.+$/, ''))}.`,
    hint: isGiven(todo)
      ? todo
      : 'Check its name or URL, and the branch or tag after # in BUILDPACK_URL, slipway buildpacks, app.json or .buildpacks.',
  }),
  MISSING_PROGRAM: ([name, file]) => ({
    code: 'SLIP_BUILD_BUILDPACK_INCOMPLETE',
    message: `The buildpack ${name ?? ''} has no ${file ?? 'program'}.`,
    hint: 'A buildpack has bin/detect and bin/compile at its root. Check the URL and the branch after #.',
  }),
  NOT_RUNNABLE: ([name, file, why]) => ({
    code: 'SLIP_BUILD_BUILDPACK_NOT_RUNNABLE',
    message: `${file ?? 'A program'} of the buildpack ${name ?? ''} cannot be run: ${why ?? 'it is not executable'}.`,
    hint: `Repair it in the buildpack (chmod +x, #!/usr/bin/env bash, Unix line ends), then push again.`,
  }),
  DETECT_REFUSED: ([name]) => ({
    code: 'SLIP_BUILD_NOT_COMPATIBLE',
    message: `The buildpack ${name ?? ''} does not support this app: its bin/detect failed.`,
    hint: `Add the file it looks for, or name another buildpack (slipway buildpacks:set, or a file .buildpacks); then ${PUSH_AGAIN}.`,
  }),
  COMPILE_FAILED: compileFailed,
  RELEASE_FAILED: ([name, status]) => ({
    code: 'SLIP_BUILD_RELEASE_FAILED',
    message: `bin/release of the buildpack ${name ?? ''} failed with exit code ${status ?? '?'}.`,
    hint: 'Its output is above. Run bin/release by hand to see the cause.',
  }),
  DISK_FULL: (_, task) => ({
    code: 'SLIP_BUILD_DISK_FULL',
    message: `The build filled its disk of ${humanBytes(task.limits.diskBytes)} (or its ${task.limits.diskInodes} files).`,
    hint: `List large files in .slugignore, or install fewer dependencies; then ${PUSH_AGAIN}.`,
  }),
  CACHE_FULL: () => ({
    code: 'SLIP_BUILD_CACHE_FULL',
    message: 'The build filled the disk of its cache (CACHE_DIR).',
    hint: 'The cache is empty now: push again. If that fails too, a buildpack writes too much; see its output above.',
  }),
};

function nothingDetected([found = '', folder = '']: readonly string[], task: BuildTask): Sentence {
  const code = 'SLIP_BUILD_NOTHING_DETECTED';
  const [language = '', file = '', buildpack = ''] = found.split(' ');
  const list = shellPath(task, '.buildpacks');
  if (language === 'Docker') {
    return {
      code,
      message: `No buildpack supports this app: it has a ${file}, but Slipway cannot build images.`,
      hint: `Add a file ${inRepository(task, 'Procfile')} with a line such as "web: ./server" and the files of a language that Slipway builds; then ${PUSH_AGAIN}.`,
    };
  }
  if (language !== '') {
    return {
      code,
      message: `This looks like a ${language} app (${file}). Slipway itself has no buildpack for ${language}.`,
      hint: `Name one in a file ${list}${buildpack === '' ? '' : `, for example: echo ${buildpack} > ${list}`}; then ${PUSH_AGAIN}.`,
    };
  }
  return { code, ...(folder === '' ? emptyTop(task) : appBelow(folder, task)) };
}

function emptyTop(task: BuildTask): Omit<Sentence, 'code'> {
  const top = task.root === undefined ? 'at its root' : `in its folder ${task.root} (apps:root)`;
  return {
    message: `No buildpack supports this app: there is no package.json, requirements.txt, pyproject.toml, index.html or Procfile ${top}.`,
    hint: `Add a file ${inRepository(task, 'Procfile')} with a line such as "web: ./server", or name a buildpack in a file ${shellPath(task, '.buildpacks')}; then ${PUSH_AGAIN}.`,
  };
}

/** @param found a folder below the folder that is built */
function appBelow(found: string, task: BuildTask): Omit<Sentence, 'code'> {
  const folder = inRepository(task, found);
  const top =
    task.root === undefined
      ? 'the top folder of this repository'
      : `the folder ${task.root} of this repository (apps:root)`;
  return {
    message: `No buildpack supports ${top}, but there is an app in the folder ${folder}.`,
    hint: `Build that folder: slipway apps:root ${SHELL_WORD.test(folder) ? folder : 'FOLDER'} -a ${task.app} — then push again.`,
  };
}

/** The path from the top of the repository: an app with a root is built from one folder of it. */
function inRepository({ root }: BuildTask, path: string): string {
  return root === undefined ? path : `${root}/${path}`;
}

/** The same path, quoted for a command line. */
function shellPath(task: BuildTask, path: string): string {
  const full = inRepository(task, path);
  return SHELL_WORD.test(full) ? full : `'${full.replaceAll("'", String.raw`'\''`)}'`;
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}

function compileFailed(details: readonly string[], task: BuildTask): Sentence {
  // Missing details become empty strings.
  const [name, status, detected, shipped, said, todo] = [...details, '', '', '', '', '', ''] as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  if (status === '137') return memoryFailure(task, 'most likely');
  const code = 'SLIP_BUILD_COMPILE_FAILED';
  const what = detected === '' ? name : `${detected} app`;
  const toRepair = `The output above shows the cause. Repair it, ${PUSH_AGAIN}.`;
  if (said !== '')
    return { code, message: `The ${what} failed to build: ${said}`, hint: todo === '' ? toRepair : todo };
  const stackHint =
    shipped === '1'
      ? ''
      : ` If the buildpack does not support the stack ${task.stack}, name another one in a file .buildpacks.`;
  const ended = `bin/compile of ${name} ended with exit code ${status}`;
  return { code, message: `The ${what} failed to build: ${ended}.`, hint: `${toRepair}${stackHint}` };
}

function memoryFailure(task: BuildTask, certainty: '' | 'most likely'): Sentence {
  const limit = humanBytes(task.limits.memoryBytes);
  return {
    code: 'SLIP_BUILD_OUT_OF_MEMORY',
    message: `The build was killed${certainty === '' ? ' because it used' : `, ${certainty} because it used`} more memory than its limit of ${limit}.`,
    hint: 'Let the build use less memory (for Node: NODE_OPTIONS=--max-old-space-size), or ask the operator for a higher build limit.',
  };
}

function nodeMemoryFailure(task: BuildTask): Sentence {
  return {
    code: 'SLIP_BUILD_NODE_OUT_OF_MEMORY',
    message: `The build was killed: its node ran out of memory. The build itself used less than its limit of ${humanBytes(task.limits.memoryBytes)}.`,
    hint: 'Push again. If this happens again, ask the operator for a builder with more memory: slipway builders',
  };
}

function because(why: string | undefined): string {
  return why === undefined || why === '' ? '' : `: ${why}`;
}

/** The error for a failure that the build reported. */
export function failureFromInside(failure: InsideFailure, task: BuildTask): SlipwayError {
  const details = failure.details.map(printable);
  const sentence = SENTENCES[failure.kind]?.(details, task) ?? endedUnexpectedly(details[0]);
  return new SlipwayError({ ...sentence, kind: 'user' });
}

/** The error for a build that ended without a report. */
export function failureFromExit(
  exit: { code?: number | undefined; signal?: string | undefined; oomKilled: boolean; oomOfNode?: boolean | undefined },
  task: BuildTask,
): SlipwayError {
  if (exit.oomKilled && exit.oomOfNode === true) return new SlipwayError(nodeMemoryFailure(task));
  if (exit.oomKilled) return new SlipwayError(memoryFailure(task, ''));
  return new SlipwayError(
    endedUnexpectedly(exit.signal ?? (exit.code === undefined ? undefined : `exit code ${exit.code}`)),
  );
}

function endedUnexpectedly(why: string | undefined): Sentence {
  return {
    code: 'SLIP_BUILD_ENDED_EARLY',
    message: `The build ended before it was finished${because(why)}.`,
    hint: 'Push again. If this happens again, read the log of the agent on the builder.',
  };
}

export function timeoutFailure(task: BuildTask, step: string, silentMs: number): SlipwayError {
  const silence = silentMs < 60_000 ? '' : ` It had printed nothing for ${formatDuration(silentMs)}.`;
  return new SlipwayError({
    code: 'SLIP_BUILD_TIMEOUT',
    message: `The build took longer than ${formatDuration(task.timeoutMs)} and was stopped during ${printable(step)}.${silence}`,
    hint: 'A build must not wait for input or for a server. Change this, then push again.',
  });
}

export function outputLimitFailure(task: BuildTask): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILD_OUTPUT_LIMIT',
    message: `The build printed more than ${humanBytes(task.outputLimitBytes)} and was stopped.`,
    hint: 'Make its scripts quieter (for example without debug output), commit and push again.',
  });
}

export function cancelledFailure(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILD_CANCELLED',
    message: 'The build was cancelled; nothing was released.',
    hint: 'Push again to build it.',
  });
}

/** @param site a folder with an index.html in the built app */
export function noProcessFailure(
  task: BuildTask,
  { buildpacks, site }: { readonly buildpacks: readonly string[]; readonly site?: string | undefined },
): SlipwayError {
  if (site !== undefined) return unservedSiteFailure(site, task);
  const example = buildpacks.some((name) => name.includes('python'))
    ? 'web: gunicorn app:app --bind 0.0.0.0:$PORT'
    : 'web: ./server';
  return new SlipwayError({
    code: 'SLIP_BUILD_NO_PROCESS',
    message:
      'The build succeeded, but there is no command to start the app: the app has no Procfile, and the buildpack has no default command.',
    hint: `Add a file ${inRepository(task, 'Procfile')} with a line such as "${example}"${
      buildpacks.some((name) => name.includes('nodejs')) ? ', or a "start" script to package.json' : ''
    }; then ${PUSH_AGAIN}.`,
  });
}

function unservedSiteFailure(site: string, task: BuildTask): SlipwayError {
  const [list, settings] = [shellPath(task, '.buildpacks'), shellPath(task, 'static.json')];
  return new SlipwayError({
    code: 'SLIP_BUILD_NO_PROCESS',
    message: `The build succeeded and made a site in the folder ${inRepository(task, site)}, but there is no command to serve it, because the app has no Procfile.`,
    hint: `Serve it with the static buildpack: printf 'heroku/nodejs\\nheroku/static\\n' > ${list}; echo '{"root":"${site}"}' > ${settings}; then ${PUSH_AGAIN}.`,
  });
}

/** One short line without control characters. */
function printable(text: string): string {
  return text
    .replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ')
    .slice(0, MAX_DETAIL_LENGTH)
    .trim();
}
