import { parseArgs } from 'node:util';
import { systemClock } from '../shared/kit/clock.ts';
import { SlipwayError } from '../shared/kit/errors.ts';
import { createFailpoint } from '../shared/kit/failpoint.ts';
import { ensureDir } from '../shared/kit/atomic-file.ts';
import { runProgram, untilStopped } from '../shared/kit/program.ts';
import { createLogger, type Logger } from '../shared/kit/log.ts';
import { loadBaseCertificate } from './certificates/base-certificate.ts';
import { composePipeline, startBackground, type Parts } from './compose.ts';
import { composeApi, composeGitServer } from './compose-servers.ts';
import { readControllerConfig, type ControllerConfig } from './config.ts';
import { controllerPaths, openFoundations, type Basics } from './foundations.ts';
import { initialise } from './init.ts';
import { declareRestored, undoFailedUpgrade } from './restored.ts';

const USAGE = `Usage:
  node controller/main.ts serve --config FILE
  node controller/main.ts init  --config FILE --admin NAME --key PUBLIC_KEY_FILE... --out CLI_CONFIG_FILE
  node controller/main.ts restored --config FILE
  node controller/main.ts undo-upgrade --config FILE

serve runs the controller. init creates the first administrator, with SSH keys and an API token. It skips what exists already.
Example:
  node controller/main.ts init --config /etc/slipway/controller.json --admin ada --key ~/.ssh/id_ed25519.pub --out ~/.config/slipway/config.json

restored declares that the database was restored from a backup and is valid. Without this, nodes refuse a database that is older
than the state that they have. Stop the controller first, and make sure that no other controller runs. After install.sh:
  cd /opt/slipway-controller/current
  runuser -u slipway-controller -- node/bin/node controller/main.ts restored --config /etc/slipway/controller.json

undo-upgrade brings the database back that an older version can read, after an upgrade that failed before the controller accepted work.
install.sh does this by itself. Otherwise it changes nothing.
`;
const COMMANDS: readonly string[] = ['serve', 'init', 'restored', 'undo-upgrade'];
const NODES_BACK_MS = 30_000;

async function serve(config: ControllerConfig): Promise<void> {
  const log = createLogger('controller', config.logLevel);
  const stop = new AbortController();
  const { repos, images, builds } = controllerPaths(config.stateDir);
  await Promise.all([repos, images, builds].map((dir) => ensureDir(dir, 0o700)));
  const basics: Basics = {
    config,
    clock: systemClock,
    log,
    failpoint: createFailpoint(process.env),
    env: process.env,
    signal: stop.signal,
  };
  const foundations = await openFoundations(basics);
  const parts = await composePipeline(basics, foundations);
  await parts.builds.failInterrupted();
  await foundations.store.acceptUpgrade();
  await parts.switches.load();
  const endBackground = startBackground(basics, parts);
  await loadBaseCertificate({ ...basics, store: foundations.store }, config);
  await parts.automaticCertificates.start();
  const agentsPort = await parts.dispatch.listen();
  const git = composeGitServer(basics, parts);
  const ssh = await git.listen();
  const api = composeApi(basics, { ...parts, archives: git.archives }, { ssh: ssh.port, agents: agentsPort });
  const apiPort = await api.listen();
  log.info({ ssh: ssh.port, api: apiPort, agents: agentsPort, pin: foundations.authority.pin }, 'controller.ready');
  process.send?.({ ready: true, ssh: ssh.port, api: apiPort, agents: agentsPort });
  const moved = parts.movement.reconcile();
  const resumed = resume(parts, log, stop.signal);
  const cleaned = parts.destroys.clean();
  const scheduled = parts.cron.run(stop.signal);
  const ordered = parts.automaticCertificates.run(stop.signal);
  await untilStopped();
  log.info({}, 'controller.stopping');
  stop.abort(stopping());
  await Promise.allSettled([api.close(), git.close()]);
  endBackground();
  await Promise.all([resumed, moved, cleaned, scheduled, ordered]);
  await parts.dispatch.close();
  await foundations.store.close();
}

/** Continues the work that a former run of the controller left. First it waits some time for the nodes. */
async function resume(parts: Parts, log: Logger, signal: AbortSignal): Promise<void> {
  try {
    const apps = await parts.store.deployedApps();
    const ready = (): Promise<void> => nodesBack(parts, signal);
    void parts.switches.resume(ready);
    await parts.releases.resume(apps, ready);
    await parts.formations.resume(apps, ready);
  } catch (error) {
    if (!signal.aborted) log.error({ err: error }, 'resume.failed');
  }
}

async function nodesBack(parts: Parts, signal: AbortSignal): Promise<void> {
  const expected = (await parts.store.nodes()).filter((node) => node.state !== 'removed').length;
  const untilMs = systemClock.monotonicMs() + NODES_BACK_MS;
  const connected = (): number => parts.dispatch.fleet.nodes().filter((node) => node.connected).length;
  while (connected() < expected && systemClock.monotonicMs() < untilMs) await systemClock.sleep(100, signal);
}

/** The reason for pushes that run now. A release that exists already continues after the restart. */
function stopping(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CONTROLLER_STOPPING',
    kind: 'transient',
    message:
      'The controller is stopping. A release that exists already continues after the next start of the controller.',
    hint: 'See its result with: slipway releases',
  });
}

async function init(
  config: ControllerConfig,
  { admin, key = [], out }: { admin?: string; key?: string[]; out?: string },
): Promise<void> {
  if (admin === undefined || out === undefined) {
    throw new SlipwayError({
      code: 'SLIP_USAGE',
      message: 'init needs --admin and --out.',
      hint: 'See: node controller/main.ts --help',
    });
  }
  return initialise(config, { admin, keyFiles: key, out });
}

async function main(argv: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      admin: { type: 'string' },
      key: { type: 'string', multiple: true },
      out: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const command = positionals[0] ?? 'serve';
  if (values.help === true || values.config === undefined || !COMMANDS.includes(command)) {
    process.stdout.write(USAGE);
    process.exitCode = values.help === true ? 0 : 2;
    return;
  }
  const config = await readControllerConfig(values.config);
  if (command === 'serve') return serve(config);
  if (command === 'restored') {
    process.stdout.write(await declareRestored(config));
    return;
  }
  if (command === 'undo-upgrade') {
    process.stdout.write(await undoFailedUpgrade(config));
    return;
  }
  return init(config, values);
}

runProgram('controller', main);
