import { SlipwayError } from '../../../shared/kit/errors.ts';
import { quoteForShell } from '../../terminal/shell-assignments.ts';

/** Marks the lines that only foreman reads. To a shell they are the input of the command ":", which does nothing. */
export const FOREMAN_BEGIN = ": <<'ONLY_FOREMAN_READS_THIS'";
export const FOREMAN_END = 'ONLY_FOREMAN_READS_THIS';

/**
 * The text of a .env file. `set -a; . ./.env` and foreman both read every value back, byte for byte.
 * @throws SLIP_CLI_ENV_VALUE for a value that foreman cannot read
 */
export function renderEnvFile(config: Readonly<Record<string, string>>): string {
  return Object.entries(config)
    .map(([name, value]) => renderVar(name, value))
    .join('');
}

/** A line that both read, where there is one. Otherwise foreman gets its own line, and the shell gets its own. */
function renderVar(name: string, value: string): string {
  const common = commonForm(value);
  if (common !== undefined) return `${name}=${common}\n`;
  return `${FOREMAN_BEGIN}\n${name}=${foremanForm(name, value)}\n${FOREMAN_END}\nexport ${name}=${shellForm(value)}\n`;
}

/** foreman reads line by line. In double quotes it takes a backslash and n for a newline; a shell does not. */
function commonForm(value: string): string | undefined {
  if (value.includes('\n')) return undefined;
  if (!value.includes("'")) return quoteForShell(value);
  return value.includes('\\n') ? undefined : `"${value.replaceAll(/[\\"$`]/g, '\\$&')}"`;
}

/** In single quotes foreman changes nothing, and takes the last quote of the line for the end. */
function foremanForm(name: string, value: string): string {
  if (!value.includes('\n')) return `'${value}'`;
  if (value.includes('\\n')) throw notForForeman(name);
  return `"${value.replaceAll(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}

/** After a newline the quotes end and begin again, so that no line looks like a variable to foreman. */
function shellForm(value: string): string {
  return `'${value.replaceAll("'", `'\\''`).replaceAll('\n', "\n''")}'`;
}

function notForForeman(name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CLI_ENV_VALUE',
    message: `A .env file cannot hold the value of ${name}: it has a newline and also the two characters \\n. foreman would read both as a newline.`,
    hint: `Read it alone with: slipway config:get ${name}. For a file that only a shell reads: slipway config --shell`,
  });
}
