import { usageError } from '../usage-error.ts';

/**
 * The words of a command as one line for the shell in the sandbox, exactly as Heroku does: one word stays as it is, so that
 * `run "rake test"` works like `run rake test`. Words with a space or a quote get double quotes. @throws SLIP_CLI_USAGE
 */
export function commandLine(words: readonly string[]): string {
  const [first] = words;
  if (first === undefined || first.trim() === '')
    throw usageError('Name the command.', 'For example: slipway run:detached -- node migrate.js');
  if (words.length === 1) return first;
  return words.map((word) => (/[ "]/.test(word) ? `"${word.replaceAll('"', '\\"')}"` : word)).join(' ');
}

/** Heroku's form: `-e "A=1;B=2"`. @throws SLIP_CLI_USAGE */
export function parseEnv(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split(';').map((pair) => {
      const at = pair.indexOf('=');
      if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
      throw usageError(
        '--env must be NAME=value.',
        'For example: slipway run:detached -e "DEBUG=1;LIMIT=10" -- node job.js',
      );
    }),
  );
}
