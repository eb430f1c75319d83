import { parseAppName, quoteInput, type AppName } from '../../shared/domain/names.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

export type GitServiceName = 'receive-pack' | 'upload-pack';

/** The possible SSH exec requests. */
export interface GitRequest {
  readonly service: GitServiceName;
  readonly app: AppName;
}

export const MAX_EXEC_BYTES = 16 * 1024;

/** All commands. No other command is ever run. */
const VERBS: readonly (readonly [prefix: string, service: GitServiceName])[] = [
  ['git-receive-pack ', 'receive-pack'],
  ['git receive-pack ', 'receive-pack'],
  ['git-upload-pack ', 'upload-pack'],
  ['git upload-pack ', 'upload-pack'],
];

const BARE_WORD = /^[A-Za-z0-9._~/-]+$/;
/** The quoting of git: '…' strings, with \' and \! between them. */
const QUOTED_WORD = /^(?:'[^']*'|\\['!])+$/;

/**
 * Reads an exec string such as `git-receive-pack '/blog.git'`. No shell reads it.
 * @throws SLIP_PUSH_COMMAND when it is not one command with one argument, SLIP_NAME_APP when the name is not valid
 */
export function parseExec(command: string): GitRequest {
  if (command.length > MAX_EXEC_BYTES) throw refuseCommand(command);
  const verb = VERBS.find(([prefix]) => command.startsWith(prefix));
  if (verb === undefined) throw refuseCommand(command);
  const path = unquote(command.slice(verb[0].length));
  if (path === undefined) throw refuseCommand(command);
  return { service: verb[1], app: parseAppName(appOfPath(path)) };
}

/** The text of one shell word. Undefined when it is not one plain or single-quoted word. */
function unquote(word: string): string | undefined {
  if (word.startsWith('-')) return undefined;
  if (BARE_WORD.test(word)) return word;
  if (!QUOTED_WORD.test(word)) return undefined;
  return word.replaceAll(
    /'([^']*)'|\\(['!])/g,
    (_all, run: string | undefined, escaped: string | undefined) => run ?? escaped ?? '',
  );
}

/** `/~/blog.git`, `~/blog`, `/blog.git/` and `blog` all mean the app `blog`. */
function appOfPath(path: string): string {
  const relative = path.replace(/^\/?(?:~\/|(?=[^/]))/, '');
  const name = relative.endsWith('/') ? relative.slice(0, -1) : relative;
  return name.endsWith('.git') ? name.slice(0, -'.git'.length) : name;
}

function refuseCommand(command: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_PUSH_COMMAND',
    message: `Only git push, fetch and clone are possible here, but the command was ${quoteInput(command)}.`,
    hint: 'Deploy with: git push slipway main',
  });
}
