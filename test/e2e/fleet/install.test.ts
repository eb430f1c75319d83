import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { Agent, request } from 'undici';
import { newJoinToken } from '../../../controller/access/tokens.ts';
import type { CommandResult } from '../../../shared/kit/exec.ts';
import { makeCsr } from '../../support/csr.ts';
import { eventually } from '../../support/eventually.ts';
import { PRODUCT_DIR } from '../../support/fleet.ts';
import { differences, listMachine } from '../../support/machine-listing.ts';
import { openOtherServer } from '../../support/other-clock-server.ts';
import { ServerFleet } from '../../support/server-fleet.ts';
import type { Server } from '../../support/servers/server.ts';

const HOUR_MS = 60 * 60_000;
const AGENT_UNIT = 'slipway-agent.service';

/** What reads the script instead of `sudo sh`. */
const AS_NOBODY = 'setpriv --reuid=65534 --regid=65534 --clear-groups sh';
const on = (changes: string): string => `unshare --mount sh -c '${changes} exec sh -s -- "$@"' sh`;
const onSystem = (lines: string): string =>
  on(`mount -t tmpfs none /srv; printf "${lines}" >/srv/os; mount --bind /srv/os /etc/os-release;`);
const WITHOUT_SYSTEMD = `unshare --mount --pid --fork sh -c 'mount -t proc proc /proc; mount -t tmpfs none /run; sh -s -- "$@"' sh`;

interface Paste {
  readonly token?: string;
  /** In the place of `sh`. */
  readonly shell?: string;
  readonly args?: string;
  /** In the place of the one that the controller serves. */
  readonly script?: string;
}

describe('install.sh on a server where it cannot work', { concurrency: false }, () => {
  let fleet: ServerFleet;
  let server: Server;
  let line: string;
  let served: string;
  let good: string;
  let found: readonly string[];

  before(async () => {
    fleet = await ServerFleet.start(['fra-1']);
    [server] = fleet.servers.list as [Server];
    await server.untilStarted();
    const made = (await fleet.fleet.api('POST', '/nodes/tokens', {})) as { install: string; token: string };
    [line, good] = [made.install, made.token];
    const dispatcher = new Agent({ connect: { ca: fleet.fleet.settings.caPem } });
    served = await (await request(`${fleet.fleet.settings.url}/install.sh`, { dispatcher })).body.text();
    await dispatcher.close();
    await paste({ args: '--dry-run' }); // what the first look at a fresh machine leaves behind by itself
    found = await listMachine(server);
  });
  after(() => fleet.stop());

  /** The line of `nodes:token`, or a script in the place of the one it fetches. */
  function paste({ token = good, shell = 'sh -s --', args = '', script }: Paste): Promise<CommandResult> {
    const typed = line.replace(good, token).replace('| sudo sh', `| ${shell} ${args}`);
    if (script === undefined) return server.exec(['sh'], { stdin: typed });
    const reader = `{ echo SLIPWAY_TOKEN=${token}; cat; } | ${shell} ${args}`;
    return server.exec(['sh', '-c', reader], { stdin: script });
  }

  /** One sentence, below it what to do, and an exit code that says so. */
  async function refuses(how: Paste, sentence: RegExp, next: RegExp): Promise<void> {
    const { code, stdout, stderr } = await paste(how);
    const [what = '', todo = '', ...more] = stderr.trim().split('\n');
    assert.match(what, /^install: [A-Za-z"].*\.$/, stderr);
    assert.match(what, sentence);
    assert.match(todo, next);
    assert.deepEqual([code, more, stdout.replace(/^1\/6 This machine\n$/, '')], [1, [], '']);
  }

  async function token(): Promise<string> {
    return ((await fleet.fleet.api('POST', '/nodes/tokens', {})) as { token: string }).token;
  }

  /** Somebody else listens there, until the unit `squatter` is stopped. */
  async function squat(port: number): Promise<void> {
    const listen = `$$s = IO::Socket::INET->new(LocalPort => ${String(port)}, Listen => 1) or die; sleep`;
    await server.sh('exec systemd-run --quiet --unit=squatter perl -MIO::Socket::INET -e "$1"', [listen]);
    const socket = ` 00000000:${port.toString(16).padStart(4, '0').toUpperCase()} `;
    const isTaken = async (): Promise<boolean> =>
      (await server.exec(['grep', '-q', socket, '/proc/net/tcp'])).code === 0;
    await eventually('the port is taken', isTaken);
  }

  const withServer = (other: { url: string; pin: string }): string =>
    served
      .replace(/^SERVED_URL=.*$/m, `SERVED_URL='${other.url}'`)
      .replace(/^SERVED_KEY=.*$/m, `SERVED_KEY='${other.pin}'`);

  it('needs root', () => refuses({ shell: AS_NOBODY }, /This script needs root/, /"\| sudo sh"/));

  it('names the system that it does not know, and the ones that it does', async () => {
    const supported = /^ {2}Supported: Debian 12 or newer, Ubuntu 22\.04 or newer\./;
    const systems = {
      'Fedora Linux 41': 'fedora 41',
      'Debian GNU/Linux 11': 'debian 11',
      'Ubuntu 20.04.6 LTS': 'ubuntu 20.04',
    };
    for (const [pretty, release] of Object.entries(systems)) {
      const [id, version] = release.split(' ');
      const shell = onSystem(`ID=${id ?? ''}\\nVERSION_ID=\\"${version ?? ''}\\"\\nPRETTY_NAME=\\"${pretty}\\"\\n`);
      await refuses(
        { shell },
        new RegExp(`^install: This is ${pretty}, which Slipway does not support yet\\.$`),
        supported,
      );
    }
    await refuses({ shell: onSystem('') }, /a system without \/etc\/os-release/, supported);
  });

  it('needs systemd', () =>
    refuses({ shell: WITHOUT_SYSTEMD }, /This machine does not run systemd \(process 1 is sh\)/, /virtual machine/));

  it('names the program that uses the port', async () => {
    await squat(80);
    await refuses(
      {},
      /Port 80 is in use by perl \(process \d+\); Slipway's proxy needs it/,
      /systemctl disable --now NAME\), or .*--port 8080/,
    );
    await server.sh('systemctl stop squatter');
    await squat(443);
    await refuses(
      {},
      /Port 443 is in use by perl \(process \d+\)/,
      /systemctl disable --now NAME\), or .*--https-port 8443/,
    );
    await server.sh('systemctl stop squatter');
  });

  it('needs free space on the disk', () =>
    refuses(
      { shell: on('mount -t tmpfs -o size=64M none /opt;') },
      /The disk of \/opt is nearly full: 64 MB are free, 2048 MB are needed/,
      /du -xh \/opt/,
    ));

  it('compares the clocks', async () => {
    for (const [aheadMs, way] of [
      [HOUR_MS, 'behind'],
      [-HOUR_MS, 'ahead of'],
    ] as const) {
      const other = await openOtherServer(fleet.servers.network.hostAddress, aheadMs);
      const sentence = new RegExp(
        `The clock of this machine is [56]\\d min ${way} the controller's: it says .* UTC, the controller `,
      );
      await refuses({ script: withServer(other) }, sentence, /timedatectl set-ntp true/).finally(() => other.close());
    }
  });

  it('refuses a token that is used, expired, of another controller, or missing, before anything is installed', async () => {
    const words = [
      /This join token is invalid, was used, or has expired/,
      /Create a new one with: slipway nodes:token/,
    ] as const;
    const [used, expired] = [await token(), await token()];
    await fleet.fleet.api('POST', '/join', { token: used, name: 'taken-1', csr: (await makeCsr({})).csrPem }, '');
    const database = new Database(join(fleet.fleet.stateDirs.controller, 'slipway.db'));
    database
      .prepare(
        'update join_tokens set expires_at_ms = ? where used_by_node_id is null and created_at_ms = (select max(created_at_ms) from join_tokens)',
      )
      .run(Date.now());
    database.close();
    for (const bad of [used, expired, newJoinToken().secret.reveal()]) await refuses({ token: bad }, ...words);
    await refuses({ token: '' }, /There is no token, and this machine has not joined yet/, /slipway nodes:token/);
  });

  it('refuses a used name, an invalid name and an invalid port', async () => {
    for (const port of ['70000', '0', '8o80'])
      await refuses(
        { args: `--port ${port}` },
        /"\w+" cannot be a port\. A port is a number from 1 to 65535\.$/,
        /--port 8080/,
      );
    await refuses(
      { args: '--name taken-1' },
      /A node named taken-1 already exists/,
      /with --name; the join token is still valid/,
    );
    await refuses({ args: '--name Fra_1' }, /"Fra_1" cannot be the name of a node/, /--name fra-1/);
  });

  it('refuses a server with another key, a closed port, and a copy that no controller sent', async () => {
    const closed = await openOtherServer(fleet.servers.network.hostAddress, 0);
    await closed.close();
    const unanswered = /The controller at \S+ does not answer, or has another key/;
    const stderrOf = async (how: Paste): Promise<string> => (await paste(how)).stderr;
    assert.match(await stderrOf({ script: withServer(closed) }), unanswered);
    assert.match(
      await stderrOf({ script: withServer({ ...closed, url: /^SERVED_URL='(.*)'$/m.exec(served)?.[1] ?? '' }) }),
      unanswered,
    );
    await refuses(
      { script: await readFile(join(PRODUCT_DIR, 'install.sh'), 'utf8') },
      /This copy of install\.sh is not from a controller/,
      /slipway nodes:token/,
    );
  });

  it('prints the planned steps in a dry run', async () => {
    const { code, stdout } = await paste({ args: '--dry-run' });
    assert.equal(code, 0);
    for (const step of [
      '1/6 This machine',
      '2/6 System packages',
      '3/6 Slipway',
      '4/6 Settings',
      '5/6 Fleet: joining',
      '6/6 Agent',
    ])
      assert.match(stdout, new RegExp(`^${step}`, 'm'));
    assert.match(stdout, /^Dry run: nothing was changed\.$/m);
  });

  it('has not changed the machine after all these runs', async () => {
    assert.deepEqual(differences(found, await listMachine(server)), []);
  });

  it('accepts the same line afterwards, because its token is still valid', async (t) => {
    const startedAtMs = performance.now();
    const { code, stdout, stderr } = await paste({});
    assert.equal(code, 0, stdout + stderr);
    t.diagnostic(`the whole of install.sh: ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
    await fleet.untilConnected(server);
  });

  it('does nothing on an existing node, even if another program uses the port of a new one', async () => {
    await squat(8080);
    const again = await paste({ args: '--port 8080' });
    const words =
      /^5\/6 Fleet: already joined as fra-1; the token was not used and is still valid\n6\/6 Agent: \S+ is already running$/m;
    assert.match(again.stdout, words, again.stdout + again.stderr);
    await refuses(
      { script: served.replace(/^SERVED_CA_SUM=.*$/m, `SERVED_CA_SUM='0'`) },
      /This machine is the node fra-1 of another fleet/,
      /--uninstall/,
    );
    assert.doesNotMatch(await server.journal(AGENT_UNIT), /Warning|DEP0/);
  });
});
