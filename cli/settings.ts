import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureDir, readFileIfExists, writeFileAtomic } from '../shared/kit/atomic-file.ts';
import { SlipwayError } from '../shared/kit/errors.ts';

export interface CliSettings {
  /** `https://host:port` of the controller. */
  readonly url: string;
  readonly token: string;
  /** The fleet's CA: the only one trusted. */
  readonly caPem: string;
}

export interface CliEnvironment {
  readonly configPath: string;
  /** Settings of the quickstart in this checkout. Used if the user has no settings and SLIPWAY_CONFIG is not set. */
  readonly quickstartConfigPath: string | undefined;
  /** SLIPWAY_APP */
  readonly app: string | undefined;
  readonly noColour: boolean;
  /** VISUAL, or EDITOR: a program and its arguments. */
  readonly editor: string;
  /** TERM */
  readonly terminalType: string;
  /** The environment of the programs that the CLI starts. */
  readonly forPrograms: Readonly<Record<string, string>>;
}

const PASSED_ON = [
  'PATH',
  'HOME',
  'USER',
  'LANG',
  'SSH_AUTH_SOCK',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'XDG_RUNTIME_DIR',
  'GIT_DIR',
  'GIT_WORK_TREE',
];

export function readEnvironment(env: Readonly<Record<string, string | undefined>>): CliEnvironment {
  const home = env['HOME'] ?? homedir();
  const folder = join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'slipway');
  return {
    configPath: env['SLIPWAY_CONFIG'] ?? join(folder, 'config.json'),
    quickstartConfigPath: env['SLIPWAY_CONFIG'] === undefined ? env['SLIPWAY_QUICKSTART_CONFIG'] : undefined,
    app: env['SLIPWAY_APP'] === '' ? undefined : env['SLIPWAY_APP'],
    editor: editorOf(env),
    terminalType: env['TERM'] ?? 'xterm',
    noColour: (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb',
    forPrograms: Object.fromEntries(PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]))),
  };
}

function editorOf(env: Readonly<Record<string, string | undefined>>): string {
  return [env['VISUAL'], env['EDITOR']].find((command) => (command ?? '').trim() !== '') ?? 'vi';
}

/** @throws SLIP_CLI_NOT_SIGNED_IN, SLIP_CLI_CONFIG */
export async function readSettings({ configPath, quickstartConfigPath }: SettingsPaths): Promise<CliSettings> {
  const own = await readFileIfExists(configPath);
  if (own !== undefined || quickstartConfigPath === undefined) return parseSettings(configPath, own);
  return parseSettings(quickstartConfigPath, await readFileIfExists(quickstartConfigPath));
}

type SettingsPaths = Pick<CliEnvironment, 'configPath' | 'quickstartConfigPath'>;

function parseSettings(path: string, text: string | undefined): CliSettings {
  if (text === undefined) throw notSignedIn();
  const fields = parseObject(text);
  const { url, token, caPem } = fields ?? {};
  if (typeof url === 'string' && URL.canParse(url) && typeof token === 'string' && typeof caPem === 'string')
    return { url, token, caPem };
  throw new SlipwayError({
    code: 'SLIP_CLI_CONFIG',
    message: `The settings in ${path} are not complete.`,
    hint: 'Sign in again with: slipway login',
  });
}

export async function writeSettings(path: string, config: CliSettings): Promise<void> {
  await ensureDir(dirname(path), 0o700);
  await writeFileAtomic(path, `${JSON.stringify(config, undefined, 2)}\n`, 0o600);
}

/** Without zod, because loading zod takes longer than most commands. */
function parseObject(text: string): Partial<Record<keyof CliSettings, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function notSignedIn(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CLI_NOT_SIGNED_IN',
    message: 'You are not signed in to a controller.',
    hint: 'Sign in with: slipway login https://HOST:PORT --pin sha256:…. Or set SLIPWAY_CONFIG to the path of your settings.',
  });
}
