import { z } from 'zod';
import { parseConfigName, parseProcessType } from '../../shared/domain/names.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

/** What a buildpack's `bin/release` says. `addons` is ignored. */
export interface ReleaseYaml {
  readonly defaultProcessTypes: Readonly<Record<string, string>>;
  readonly configVars: Readonly<Record<string, string>>;
}

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const schema = z.object({
  default_process_types: namedBy(parseProcessType),
  config_vars: namedBy(parseConfigName),
});

/** By the rules of the fleet: the controller takes no other names, and would blame the agent for them. */
function namedBy(parse: (name: string) => string) {
  const follows = (name: string): boolean => {
    try {
      return parse(name) === name;
    } catch {
      return false;
    }
  };
  return z
    .record(z.string().refine(follows), scalar)
    .nullish()
    .transform((value) => value ?? {});
}

/** Aliases that would expand a small text into a huge value end the parse. @throws SLIP_BUILD_BAD_RELEASE_YAML */
export async function parseReleaseYaml(text: string, buildpack: string): Promise<ReleaseYaml> {
  const { default_process_types: defaultProcessTypes, config_vars: configVars } = await interpret(text, buildpack);
  return { defaultProcessTypes, configVars };
}

async function interpret(text: string, buildpack: string): Promise<z.output<typeof schema>> {
  if (text.trim() === '') return schema.parse({});
  try {
    return schema.parse((await parseYaml(text)) ?? {});
  } catch (cause) {
    throw new SlipwayError({
      code: 'SLIP_BUILD_BAD_RELEASE_YAML',
      message: `What bin/release of ${buildpack} printed is not the YAML of a buildpack.`,
      hint: 'It must be a map with default_process_types (name: command) and config_vars. Run bin/release by hand to see what it prints.',
      cause,
    });
  }
}

/** Our own buildpacks print JSON, which is YAML too, so that most agents never load the parser: 10 MB. */
async function parseYaml(text: string): Promise<unknown> {
  try {
    return JSON.parse(text);
  } catch {
    const { parse } = await import('./yaml.ts');
    return parse(text, { maxAliasCount: 10, logLevel: 'error' });
  }
}
