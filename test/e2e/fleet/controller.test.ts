import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fetchRuntime } from '../../../script/bundle/runtime.ts';
import { run, runOk } from '../../../shared/kit/exec.ts';
import { eventually } from '../../support/eventually.ts';
import { helloApp } from '../../support/fleet-user.ts';
import { PRODUCT_DIR, PROGRAMS_DIR } from '../../support/fleet.ts';
import type { Server } from '../../support/servers/server.ts';
import { Servers } from '../../support/servers/servers.ts';

const CHECKOUT = '/srv/slipway';
const UNIT = 'slipway-controller.service';
const SOURCES =
  'agent bin buildpacks cli controller packaging proto script shared install.sh package.json package-lock.json tsconfig.json LICENSE';
const PLACES = `/opt/slipway-controller /etc/slipway /var/lib/slipway-controller /var/cache/slipway-controller /usr/local/bin/slipway /etc/systemd/system/${UNIT}`;
const DROP_IN = `/etc/systemd/system/${UNIT}.d`;
const INSTALL = `SUDO_USER=ada exec ${CHECKOUT}/install.sh controller`;

describe('install.sh controller', { concurrency: false }, () => {
  let tree: string;
  let servers: Servers;
  let server: Server;

  before(async () => {
    tree = await makeCheckout();
    servers = await Servers.boot(['ctl-1'], [tree]);
    server = servers.named('ctl-1');
    await server.sh('useradd --create-home ada && su - ada -c "ssh-keygen -q -t ed25519 -N \'\' -f ~/.ssh/id_ed25519"');
  });
  after(async () => {
    await servers.dispose();
    await rm(tree, { recursive: true, force: true });
  });

  const asAda = (command: string): Promise<string> => server.sh('exec su - ada -c "$1"', [command]);
  const mainPid = (): Promise<string> => server.sh(`systemctl show --property=MainPID --value ${UNIT}`);
  /** 0, which is nobody, would mean the whole group to `kill`. */
  const runningPid = async (): Promise<string> => {
    const pid = await mainPid();
    assert.notEqual(pid, '0', await server.journal(UNIT, 20));
    return pid;
  };
  const left = async (): Promise<string[]> =>
    (await server.sh(`ls -d ${PLACES} 2>/dev/null || true`)).split('\n').filter(Boolean).sort();
  const program = (): Promise<string> => server.sh('readlink /opt/slipway-controller/current');

  it('changes nothing in a dry run, or when another program uses a port of it', async () => {
    assert.match(
      await server.sh(`${INSTALL} --dry-run`),
      /^5\/5 Controller: start it\nDry run: nothing was changed\.$/m,
    );
    const squat = `require("net").createServer().listen(7400, () => require("fs").writeFileSync("/run/squats", ""))`;
    await server.sh('systemd-run --quiet --unit=squatter "$1" -e "$2"', [`${CHECKOUT}/.tools/node/bin/node`, squat]);
    await eventually('the port is taken', async () => (await server.exec(['test', '-f', '/run/squats'])).code === 0);
    const { code, stderr } = await server.exec(['/bin/sh', '-c', INSTALL]);
    assert.equal(code, 1);
    assert.match(stderr, /Port 7400 is in use by \S+ \(process \d+\); the controller needs it\./);
    await server.sh('systemctl stop squatter');
    assert.deepEqual(await left(), []);
  });

  it('installs a controller with its own user, and an administrator whose CLI works', async () => {
    const startedAtMs = performance.now();
    const said = await server.sh(`${INSTALL} --host ${server.address}`, [], { timeoutMs: 280_000 });
    console.log(`    installed in ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
    assert.match(said, /Administrator: ada, with the key \/home\/ada\/\.ssh\/id_ed25519\.pub/);
    assert.match(await asAda('slipway status'), /=== Controller/);
    assert.match(await asAda('slipway keys'), /ed25519|SHA256/);
    assert.equal(await server.sh('stat -c "%U %a" /home/ada/.config/slipway/config.json'), 'ada 600');
    assert.equal(await server.sh('stat -c "%U:%G %a" /etc/slipway/controller.json'), 'root:slipway-controller 640');
    assert.equal(await server.sh('stat -c "%U %a" /var/lib/slipway-controller'), 'slipway-controller 700');
    const status = await server.sh('grep -E "^(Uid|CapBnd|NoNewPrivs|Seccomp):" "/proc/$1/status"', [
      await runningPid(),
    ]);
    assert.match(status, /NoNewPrivs:\t1/);
    assert.match(status, /Seccomp:\t2/);
    assert.match(status, /CapBnd:\t0+$/m);
    assert.doesNotMatch(status, /Uid:\t0/);
    await server.untilStarted();
  });

  it('installs a controller that gets a node on the same machine, and accepts a push', async () => {
    const line = /\{ echo .*\| sudo sh/.exec(await asAda('slipway nodes:token'))?.[0] ?? '';
    const joined = await server.exec(['sh'], {
      stdin: line.replace('| sudo sh', '| sh -s -- --name here'),
      timeoutMs: 280_000,
    });
    assert.match(joined.stdout, /^Done: this machine is a node/m, joined.stderr);
    for (const [name, text] of Object.entries(helloApp('1')))
      await server.sh('mkdir -p /home/ada/hello && cat >"/home/ada/hello/$1"', [name], { stdin: text });
    await server.sh('chown -R ada: /home/ada/hello');
    const push = `cd hello && git init -q -b main && git add . && git -c user.name=ada -c user.email=ada@localhost commit -qm one &&
      GIT_SSH_COMMAND="ssh -o StrictHostKeyChecking=accept-new" git push ssh://slipway@${server.address}:2222/hello.git main 2>&1`;
    const pushed = await server.exec(['su', '-', 'ada', '-c', push], { timeoutMs: 240_000 });
    assert.match(pushed.stdout, /Released v1/, `${pushed.stdout}\n${await server.journal(UNIT, 30)}`);
    assert.match(await server.sh('curl -fsS -H "Host: hello.localhost" http://127.0.0.1/'), /^version=1 /);
    await server.sh('sh /opt/slipway/current/install.sh --uninstall');
    assert.deepEqual(await server.sh('ls /etc/slipway'), 'controller-admin\ncontroller.json');
  });

  it('is started again by systemd when it is killed', async () => {
    const before = await runningPid();
    await server.sh('kill -9 "$1"', [before]);
    await eventually('it answers again', async () => {
      const now = await mainPid();
      return (
        now !== '0' && now !== before && (await server.exec(['su', '-', 'ada', '-c', 'slipway status'])).code === 0
      );
    });
  });

  it('takes the key of the config values from a systemd credential, and removes its file', async () => {
    await asAda('slipway apps:create vault && slipway config:set -a vault PLANTED=a-secret-value');
    await server.sh(`cp -p /var/lib/slipway-controller/config.key /etc/slipway/config-key && chown root: /etc/slipway/config-key &&
      mkdir -p ${DROP_IN} && printf '[Service]\\nLoadCredential=slipway-config-key:/etc/slipway/config-key\\n' >${DROP_IN}/key.conf &&
      systemctl daemon-reload && systemctl restart ${UNIT}`);
    await eventually('the value is read with the key of the credential', async () => {
      const { code, stdout } = await server.exec(['su', '-', 'ada', '-c', 'slipway config:get PLANTED -a vault']);
      return code === 0 && stdout.trim() === 'a-secret-value';
    });
    assert.doesNotMatch(await server.sh('ls /var/lib/slipway-controller'), /config\.key/);
    await server.sh(`mv /etc/slipway/config-key /var/lib/slipway-controller/config.key &&
      chown slipway-controller: /var/lib/slipway-controller/config.key && rm -r ${DROP_IN} && systemctl daemon-reload && systemctl restart ${UNIT}`);
    await eventually('the file is used again', async () => {
      return (await server.exec(['su', '-', 'ada', '-c', 'slipway config:get PLANTED -a vault'])).code === 0;
    });
  });

  it('is upgraded by a second run, and keeps its administrator', async () => {
    const settings = await server.sh('cksum /home/ada/.config/slipway/* /etc/slipway/controller.json');
    const [version, pid] = [await program(), await mainPid()];
    assert.match(await server.sh(INSTALL), /4\/5 Administrator: ada exists\n5\/5 Controller: .* is already running/);
    assert.equal(await mainPid(), pid);
    await server.sh(`echo >>${CHECKOUT}/LICENSE; ${INSTALL}`, [], { timeoutMs: 280_000 });
    assert.notEqual(await program(), version);
    assert.notEqual(await mainPid(), pid);
    assert.match(await asAda('slipway status'), /=== Controller/);
    assert.equal(await server.sh('cksum /home/ada/.config/slipway/* /etc/slipway/controller.json'), settings);
  });

  it('runs the previous version with the previous database again when an upgrade fails after its migration', async () => {
    const version = await program();
    await server.sh(`cd ${CHECKOUT} && sed -i '0,/^];$/s//  "create table later (id text)",\\n];/' controller/store/sqlite/migrate.ts &&
      sed -i 's/await foundations.store.acceptUpgrade();/throw new Error("this version is broken");/' controller/main.ts &&
      sed -i 's/^C_SECONDS=.*/C_SECONDS=15/' packaging/controller/install-controller.sh`);
    const { code, stderr } = await server.exec(['/bin/sh', '-c', INSTALL], { timeoutMs: 280_000 });
    assert.equal(code, 1);
    assert.match(stderr, /slipway\.db is again as it was before the upgrade/);
    assert.match(stderr, /did not start within 15 s, so \S+ runs again/);
    assert.equal(await program(), version);
    assert.equal((await asAda('slipway config:get PLANTED -a vault')).trim(), 'a-secret-value');
    assert.match(await server.sh('ls /var/lib/slipway-controller'), /^slipway\.db\.failed-upgrade$/m);
  });

  it('removes the program, and keeps the data of the controller until --purge', async () => {
    await server.sh(`${INSTALL} --uninstall`);
    assert.deepEqual(await left(), ['/etc/slipway', '/var/lib/slipway-controller']);
    assert.equal(
      await server.sh('id -u slipway-controller 2>/dev/null; ps -eo args | grep "[c]ontroller/main.ts" || true'),
      '',
    );
    assert.equal(await server.sh('find /var/lib/slipway-controller /etc/slipway ! -user root'), '');
    assert.match(await server.sh('ls /var/lib/slipway-controller'), /^repos$/m);
    await server.sh(`${INSTALL} --uninstall --purge`);
    assert.deepEqual(await left(), []);
  });
});

/** The checkout as a tree to boot a server with: what is big is linked, and the server cannot write to it. */
async function makeCheckout(): Promise<string> {
  await mkdir(PROGRAMS_DIR, { recursive: true });
  const runtime = [
    await fetchRuntime(`node-linux-${process.arch}`, PROGRAMS_DIR),
    await fetchRuntime('npm', PROGRAMS_DIR),
  ];
  const tree = await mkdtemp(join(PRODUCT_DIR, '.tools', 'checkout-'));
  await runOk(run, { file: 'chmod', args: ['0755', tree] });
  const checkout = join(tree, CHECKOUT);
  for (const name of ['programs', 'node/bin']) await mkdir(join(checkout, '.tools', name), { recursive: true });
  for (const name of SOURCES.split(' ')) await cp(join(PRODUCT_DIR, name), join(checkout, name), { recursive: true });
  const link = 'cp -RlL "$1" "$2" 2>/dev/null || cp -RL "$1" "$2"';
  const parts = [
    [join(PRODUCT_DIR, 'node_modules'), 'node_modules'],
    [process.execPath, '.tools/node/bin/node'],
    ...runtime.map((path) => [path, '.tools/programs/']),
  ];
  for (const [from = '', to = ''] of parts)
    await runOk(run, { file: '/bin/sh', args: ['-c', link, 'sh', from, join(checkout, to)] });
  return tree;
}
