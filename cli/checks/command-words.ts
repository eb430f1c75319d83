import { usageError } from '../usage-error.ts';

/** Characters that have a meaning in a shell. No shell reads the command, so they would not do what the user expects. */
const SHELL = /['"\\$&|;<>()`*?~#]/;

/**
 * Pure: the words of `test -f /app/ok`, or the list of app.json: `["sh", "-c", "test -f ok || test -f fine"]`. @throws SLIP_CLI_USAGE
 */
export function commandWords(text: string): readonly string[] {
  if (text.trimStart().startsWith('[')) return listed(text);
  if (SHELL.test(text))
    throw usageError(
      'A command of a check has no shell, so quotes, variables and characters such as & and * are not understood.',
      `Write it as a list: --command '["sh", "-c", "test -f ok || test -f fine"]'`,
    );
  const words = text.split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) throw usageError('Name the command.', "For example: --command 'test -f /app/ok'");
  return words;
}

function listed(text: string): readonly string[] {
  const list = parsed(text);
  if (Array.isArray(list) && list.length > 0 && list.every((word): word is string => typeof word === 'string'))
    return list;
  throw usageError('--command is not a JSON list of texts.', `For example: --command '["test", "-f", "/app/ok"]'`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
