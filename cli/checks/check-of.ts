import { textFlag, type Flags } from '../cli.ts';
import { parseCount } from '../parse-flags.ts';
import { usageError } from '../usage-error.ts';
import { commandWords } from './command-words.ts';

/** The flag that chooses each kind of check, and the other flags that this kind takes. A check without such a flag sends an HTTP request. */
const PROBES = [
  { flag: 'tcp', takes: ['port'] },
  { flag: 'command', takes: [] },
  { flag: 'uptime', takes: [] },
] as const;
const PROBE_FLAGS = ['path', 'content', 'header', 'port'] as const;

/** Pure: the check in the format of app.json. The controller checks the values again. @throws SLIP_CLI_USAGE */
export function checkOf(flags: Flags): Readonly<Record<string, unknown>> {
  const seconds = (name: string, flag: string, min: number): number | undefined =>
    numberOf(flags, name, { flag, min, max: 300 });
  const fields = {
    type: textFlag(flags, 'type') ?? (isGiven(flags, 'uptime') ? 'startup' : 'readiness'),
    name: textFlag(flags, 'name'),
    timeout: seconds('timeout', '--timeout', 1),
    attempts: numberOf(flags, 'attempts', { flag: '--attempts', min: 1, max: 100 }),
    wait: seconds('wait', '--wait', 1),
    initialDelay: seconds('initialDelay', '--initial-delay', 0),
    ...probeOf(flags),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function probeOf(flags: Flags): Readonly<Record<string, unknown>> {
  const kind = kindOf(flags);
  const port = numberOf(flags, 'port', { flag: '--port', min: 1, max: 65_535 });
  switch (kind) {
    case 'tcp':
      return { listening: true, port };
    case 'command':
      return { command: commandWords(textFlag(flags, 'command') ?? '') };
    case 'uptime':
      return { uptime: numberOf(flags, 'uptime', { flag: '--uptime', min: 1, max: 300 }) };
    default:
      return { path: textFlag(flags, 'path') ?? '/', content: textFlag(flags, 'content'), port, ...headers(flags) };
  }
}

/** Undefined: an HTTP request. */
function kindOf(flags: Flags): (typeof PROBES)[number]['flag'] | undefined {
  const [kind, second] = PROBES.filter(({ flag }) => isGiven(flags, flag));
  if (kind === undefined) return undefined;
  const example = 'For example: slipway checks:set web --path /up';
  if (second !== undefined)
    throw usageError(`--${kind.flag} and --${second.flag} are two kinds of checks. Set one after the other.`, example);
  const takes = (name: string): boolean => kind.takes.some((each) => each === name);
  const wrong = PROBE_FLAGS.find((name) => isGiven(flags, name) && !takes(name));
  if (wrong !== undefined) throw usageError(`--${kind.flag} takes no --${wrong}.`, example);
  return kind.flag;
}

function isGiven(flags: Flags, name: string): boolean {
  return flags[name] !== undefined && flags[name] !== false;
}

function numberOf(
  flags: Flags,
  name: string,
  rule: { readonly flag: string; readonly min: number; readonly max: number },
): number | undefined {
  const text = textFlag(flags, name);
  return text === undefined ? undefined : parseCount(text, rule);
}

function headers(flags: Flags): { readonly httpHeaders?: readonly { name: string; value: string }[] | undefined } {
  const httpHeaders = textFlag(flags, 'header')
    ?.split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const at = line.indexOf(':');
      // The message does not repeat the header, because it may be secret.
      if (at < 1)
        throw usageError('--header must be a name, a colon and a value.', "For example: --header 'Host: a.b'");
      return { name: line.slice(0, at).trim(), value: line.slice(at + 1).trim() };
    });
  return { httpHeaders };
}
