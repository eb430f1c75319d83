import type { BuildTask } from '../../shared/domain/build.ts';
import { invalidAppJson, parseAppJson } from '../../shared/domain/app-json.ts';
import { unknownCronType } from '../../shared/domain/read-cron.ts';
import { parseProcfile } from '../../shared/domain/procfile.ts';
import type { Slug } from '../../shared/domain/slug.ts';
import type { Run } from '../../shared/kit/exec.ts';
import { noProcessFailure } from './failures.ts';
import { processTypesBlock, warningLine } from './heroku-output.ts';
import { parseReleaseYaml } from './release-yaml.ts';
import { readManifest, type BuildReport } from './results.ts';

interface Discovery {
  readonly task: BuildTask;
  /** Runs the YAML parser within the limits of the build. */
  readonly run: Run;
  /** Prints to the build output. */
  readonly say: (text: string) => void;
}

/** The process types of the Procfile and the defaults of the last buildpack. @throws SLIP_BUILD_NO_PROCESS */
export async function discoverProcesses(
  { task, run, say }: Discovery,
  resultDir: string,
  report: BuildReport,
): Promise<Pick<Slug, 'processTypes' | 'defaultConfig' | 'checks' | 'cron'>> {
  const [procfile, releaseYaml, appJson] = await Promise.all([
    readManifest(resultDir, 'Procfile'),
    readManifest(resultDir, 'release.yml'),
    readManifest(resultDir, 'app.json'),
  ]);
  const declared = parseProcfile(procfile ?? new Uint8Array());
  const lastBuildpack = report.buildpacks.at(-1) ?? 'the buildpack';
  const release = await parseReleaseYaml(releaseYaml?.toString('utf8') ?? '', lastBuildpack, run);
  const processTypes = { ...release.defaultProcessTypes, ...declared.processTypes };
  for (const warning of declared.warnings) say(warningLine(warning));
  const [declaredTypes, defaultTypes] = [Object.keys(declared.processTypes), Object.keys(release.defaultProcessTypes)];
  say(processTypesBlock(declaredTypes, defaultTypes, lastBuildpack));
  if (Object.keys(processTypes).length === 0) throw noProcessFailure(task, report);
  const checks = appJson === undefined ? undefined : discoverChecks(appJson, processTypes, say);
  const cron = appJson === undefined ? {} : discoverCron(appJson, processTypes);
  return { processTypes, defaultConfig: release.configVars, ...(checks === undefined ? {} : { checks }), ...cron };
}

/** @throws SLIP_BUILD_APP_JSON for a process type that the app does not have */
function discoverCron(appJson: Uint8Array, processTypes: Slug['processTypes']): Pick<Slug, 'cron'> {
  const { cron } = parseAppJson(appJson);
  const problem = unknownCronType(cron, processTypes);
  if (problem !== undefined) throw invalidAppJson(problem);
  return cron.length === 0 ? {} : { cron };
}

function discoverChecks(
  appJson: Uint8Array,
  processTypes: Slug['processTypes'],
  say: (text: string) => void,
): Slug['checks'] {
  const { checks, warnings } = parseAppJson(appJson).healthchecks;
  const unknown = Object.keys(checks).filter((type) => !Object.hasOwn(processTypes, type));
  for (const type of unknown)
    say(warningLine(`app.json: "healthchecks.${type}" is for a process type that this app does not have.`));
  for (const warning of warnings) say(warningLine(warning));
  return Object.keys(checks).length === 0 ? undefined : checks;
}

/** Checks Procfile and app.json before the compile, so that a mistake in them is reported early. @throws SLIP_* of the parsers */
export async function checkManifests(resultDir: string): Promise<void> {
  const [procfile, appJson] = await Promise.all([
    readManifest(resultDir, 'Procfile'),
    readManifest(resultDir, 'app.json'),
  ]);
  if (procfile !== undefined) parseProcfile(procfile);
  if (appJson !== undefined) parseAppJson(appJson);
}
