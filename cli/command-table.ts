import type { CommandRun } from './cli.ts';

/** One command: all that help, parsing and suggestions need, without loading its code. */
export interface CommandSpec {
  readonly name: string;
  /** In commander's notation, e.g. `[name]`, `<name...>`. */
  readonly args?: string;
  readonly group: 'Apps' | 'Deploys' | 'Config' | 'Fleet' | 'Account';
  readonly summary: string;
  readonly example: string;
  readonly options?: readonly (readonly [flags: string, summary: string])[];
  /** Works on one app: has --app and --remote. */
  readonly app?: boolean;
  /** Answers with a body that --json can show. */
  readonly json?: boolean;
  readonly load: () => Promise<CommandRun>;
}

const NUMBER: readonly [string, string] = ['-n, --num <number>', 'how many, newest first (default 15)'];

export const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'status',
    group: 'Fleet',
    summary: 'what runs where, and what is wrong, on one screen',
    example: 'slipway status',
    json: true,
    load: async () => (await import('./commands/fleet.ts')).status,
  },
  {
    name: 'create',
    args: '[name]',
    group: 'Apps',
    summary: 'create an app, and a git remote for it in this folder',
    example: 'slipway create my-shop',
    options: [
      ['-r, --remote <remote>', 'name of the git remote (default slipway)'],
      ['--no-remote', 'add no git remote'],
    ],
    json: true,
    load: async () => (await import('./commands/apps.ts')).create,
  },
  {
    name: 'apps',
    group: 'Apps',
    summary: 'list your apps',
    example: 'slipway apps',
    json: true,
    load: async () => (await import('./commands/apps.ts')).list,
  },
  {
    name: 'apps:info',
    group: 'Apps',
    summary: 'show an app: release, addresses, processes',
    example: 'slipway apps:info -a my-shop',
    app: true,
    json: true,
    load: async () => (await import('./commands/apps.ts')).info,
  },
  {
    name: 'git:remote',
    group: 'Apps',
    summary: 'make this folder push to an app',
    example: 'slipway git:remote -a my-shop',
    app: true,
    load: async () => (await import('./commands/git.ts')).remote,
  },
  {
    name: 'open',
    group: 'Apps',
    summary: 'open an app in the browser, or print its address',
    example: 'slipway open -a my-shop',
    app: true,
    load: async () => (await import('./commands/apps.ts')).open,
  },
  {
    name: 'ps',
    group: 'Deploys',
    summary: 'show the processes of an app',
    example: 'slipway ps -a my-shop',
    app: true,
    json: true,
    load: async () => (await import('./commands/deploys.ts')).ps,
  },
  {
    name: 'logs',
    group: 'Deploys',
    summary: 'show the log of an app',
    example: 'slipway logs -t -p web -a my-shop',
    options: [
      ['-t, --tail', 'go on with new lines as they come'],
      ['-n, --num <number>', 'how many past lines (default 100, at most 1500)'],
      ['-p, --ps <process>', 'only this process type (web) or instance (web.1)'],
      ['--raw', "print control characters as they are; they can fool or damage your terminal's display"],
    ],
    app: true,
    json: true,
    load: async () => (await import('./commands/logs.ts')).logs,
  },
  {
    name: 'releases',
    group: 'Deploys',
    summary: 'list the releases of an app',
    example: 'slipway releases -n 5 -a my-shop',
    options: [NUMBER],
    app: true,
    json: true,
    load: async () => (await import('./commands/deploys.ts')).releases,
  },
  {
    name: 'builds',
    group: 'Deploys',
    summary: 'list the builds of an app',
    example: 'slipway builds -a my-shop',
    options: [NUMBER],
    app: true,
    json: true,
    load: async () => (await import('./commands/deploys.ts')).builds,
  },
  {
    name: 'builds:output',
    args: '[id]',
    group: 'Deploys',
    summary: "show a build's output, of the newest one without an id",
    example: 'slipway builds:output -a my-shop',
    options: [['--raw', 'print control characters as they are']],
    app: true,
    load: async () => (await import('./commands/logs.ts')).buildOutput,
  },
  {
    name: 'config',
    group: 'Config',
    summary: 'show the config vars of an app',
    example: 'slipway config -a my-shop',
    options: [['-s, --shell', 'as assignments a shell can read']],
    app: true,
    json: true,
    load: async () => (await import('./commands/config.ts')).list,
  },
  {
    name: 'config:get',
    args: '<name>',
    group: 'Config',
    summary: 'print the value of one config var',
    example: 'slipway config:get DATABASE_URL -a my-shop',
    app: true,
    load: async () => (await import('./commands/config.ts')).get,
  },
  {
    name: 'config:set',
    args: '<assignments...>',
    group: 'Config',
    summary: 'set config vars and restart the app with them',
    example: 'slipway config:set LOG_LEVEL=debug GREETING="hello there" -a my-shop',
    app: true,
    json: true,
    load: async () => (await import('./commands/config.ts')).set,
  },
  {
    name: 'config:unset',
    args: '<names...>',
    group: 'Config',
    summary: 'remove config vars and restart the app without them',
    example: 'slipway config:unset GREETING -a my-shop',
    app: true,
    json: true,
    load: async () => (await import('./commands/config.ts')).unset,
  },
  {
    name: 'nodes',
    group: 'Fleet',
    summary: 'list the nodes of the fleet',
    example: 'slipway nodes',
    json: true,
    load: async () => (await import('./commands/fleet.ts')).nodes,
  },
  {
    name: 'nodes:token',
    group: 'Fleet',
    summary: 'print the line that makes a machine a node of the fleet (admin)',
    example: 'slipway nodes:token --ttl 30m --label zone=attic',
    options: [
      ['--ttl <duration>', 'how long it can be used, e.g. 15m or 2h (default 15m, at most 24h)'],
      ['--label <key=value>', 'label of the node, used to choose where apps run'],
      ['--quiet', 'print the token alone'],
    ],
    json: true,
    load: async () => (await import('./commands/fleet.ts')).joinToken,
  },
  {
    name: 'login',
    args: '<url>',
    group: 'Account',
    summary: 'sign in to a controller; the token is asked for, or read from standard input',
    example: 'slipway login https://fleet.example.com:7400 --pin sha256:4f9c…',
    options: [['--pin <pin>', "fingerprint of the fleet's certificate authority; who gave you the token has it"]],
    load: async () => (await import('./commands/login.ts')).login,
  },
  {
    name: 'whoami',
    group: 'Account',
    summary: 'show who you are to the controller',
    example: 'slipway whoami',
    json: true,
    load: async () => (await import('./commands/account.ts')).whoami,
  },
  {
    name: 'keys',
    group: 'Account',
    summary: 'list your SSH keys',
    example: 'slipway keys',
    json: true,
    load: async () => (await import('./commands/account.ts')).keys,
  },
  {
    name: 'keys:add',
    args: '[file]',
    group: 'Account',
    summary: 'add a public SSH key (default ~/.ssh/id_ed25519.pub)',
    example: 'slipway keys:add ~/.ssh/id_ed25519.pub',
    json: true,
    load: async () => (await import('./commands/account.ts')).addKey,
  },
  {
    name: 'keys:remove',
    args: '<key>',
    group: 'Account',
    summary: 'remove an SSH key by its fingerprint or comment',
    example: 'slipway keys:remove ada@laptop',
    load: async () => (await import('./commands/account.ts')).removeKey,
  },
  {
    name: 'users',
    group: 'Account',
    summary: 'list the users of the fleet (admin)',
    example: 'slipway users',
    json: true,
    load: async () => (await import('./commands/account.ts')).users,
  },
  {
    name: 'users:add',
    args: '<name>',
    group: 'Account',
    summary: 'add a user and print their first token (admin)',
    example: 'slipway users:add ada --key ada.pub',
    options: [
      ['--admin', 'they may manage users and nodes, and use every app'],
      ['--key <file>', 'their public SSH key'],
    ],
    json: true,
    load: async () => (await import('./commands/account.ts')).addUser,
  },
  {
    name: 'version',
    group: 'Account',
    summary: 'print the version of this command',
    example: 'slipway version',
    load: async () => (await import('./commands/version.ts')).version,
  },
];

/** Other names people type. */
export const ALIASES: Readonly<Record<string, string>> = {
  'apps:create': 'create',
  'apps:list': 'apps',
  'apps:open': 'open',
  info: 'apps:info',
  'auth:whoami': 'whoami',
  'auth:login': 'login',
  'ps:list': 'ps',
  'nodes:ls': 'nodes',
  'keys:list': 'keys',
  'builds:list': 'builds',
  'releases:list': 'releases',
  'config:list': 'config',
};
