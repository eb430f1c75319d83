import { readFile } from 'node:fs/promises';
import { SlipwayError } from './errors.ts';

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** The part of a zod schema that reading a file needs. */
export interface ConfigSchema<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false; error: { issues: readonly Issue[] } };
}

/** Reads a JSON settings file into its frozen, complete value. @throws SLIP_CONFIG_FILE naming the file and the field */
export async function readConfigFile<T>(path: string, schema: ConfigSchema<T>): Promise<T> {
  const json = await readJson(path);
  const parsed = schema.safeParse(json);
  if (parsed.success) return Object.freeze(parsed.data);
  const issue = parsed.error.issues[0];
  throw invalidConfigFile(path, `${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? 'not valid'}`);
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw invalidConfigFile(path, cause instanceof SyntaxError ? 'it is not JSON' : 'it cannot be read', cause);
  }
}

function invalidConfigFile(path: string, why: string, cause?: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CONFIG_FILE',
    message: `The settings in ${path} cannot be used: ${why}.`,
    hint: 'Correct the file; controller/config.ts and agent/config.ts document every field.',
    cause,
  });
}
