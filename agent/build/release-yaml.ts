import { z } from 'zod';
import { MAX_COMMAND_LENGTH, MAX_PROCESS_TYPES } from '../../shared/domain/procfile.ts';
import { parseConfigName, parseProcessType } from '../../shared/domain/names.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { run as realRun, type Run } from '../../shared/kit/exec.ts';
import { parseInChildProcess } from './parse-in-child-process.ts';

/** The output of `bin/release` of a buildpack. `addons` is ignored. */
export interface ReleaseYaml {
  readonly defaultProcessTypes: Readonly<Record<string, string>>;
  readonly configVars: Readonly<Record<string, string>>;
}

/** Heroku's own buildpacks print less than 1 kB. build.sh stops reading one byte after this limit. */
export const MAX_RELEASE_YAML_BYTES = 64 * 1024;
const MAX_CONFIG_VARS = 100;

const scalar = z
  .union([z.string(), z.number(), z.boolean()])
  .transform(String)
  .refine((text) => text.length <= MAX_COMMAND_LENGTH);
const schema = z.object({
  default_process_types: namedBy(parseProcessType, MAX_PROCESS_TYPES),
  config_vars: namedBy(parseConfigName, MAX_CONFIG_VARS),
});

/** The controller accepts only names that follow the rules of the fleet, so other names are refused here. */
function namedBy(parse: (name: string) => string, max: number) {
  const follows = (name: string): boolean => {
    try {
      return parse(name) === name;
    } catch {
      return false;
    }
  };
  return z
    .record(z.string().refine(follows), scalar)
    .refine((entries) => Object.keys(entries).length <= max)
    .nullish()
    .transform((value) => value ?? {});
}

/** @throws SLIP_BUILD_BAD_RELEASE_YAML */
export async function parseReleaseYaml(text: string, buildpack: string, run: Run = realRun): Promise<ReleaseYaml> {
  if (Buffer.byteLength(text) > MAX_RELEASE_YAML_BYTES)
    throw invalidReleaseYaml(buildpack, `is larger than ${String(MAX_RELEASE_YAML_BYTES / 1024)} kB`);
  const result = schema.safeParse((await interpret(text, buildpack, run)) ?? {});
  if (!result.success) throw invalidReleaseYaml(buildpack, 'is not the YAML of a buildpack', result.error);
  const { default_process_types: defaultProcessTypes, config_vars: configVars } = result.data;
  return { defaultProcessTypes, configVars };
}

/** Our own buildpacks print JSON, which is YAML too. The time to parse JSON is linear, so it needs no separate process. */
async function interpret(text: string, buildpack: string, run: Run): Promise<unknown> {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    const parsed = await parseInChildProcess(run, 'yaml-main', text);
    if (parsed.kind === 'value') return parsed.value;
    throw invalidReleaseYaml(
      buildpack,
      parsed.kind === 'stopped' ? 'takes too long to parse' : 'is not the YAML of a buildpack',
    );
  }
}

function invalidReleaseYaml(buildpack: string, why: string, cause?: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILD_BAD_RELEASE_YAML',
    message: `The output of bin/release of ${buildpack} ${why}.`,
    hint: 'It must be a map with default_process_types (name: command) and config_vars. Run bin/release by hand to see what it prints.',
    cause,
  });
}
