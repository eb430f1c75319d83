import { runOk, type Run } from '../../../shared/kit/exec.ts';
import { spawnSupervisor } from './detached.ts';
import { superviseArgs, type Supervised, type Supervisor } from './port.ts';

/**
 * With systemd: one transient unit for each sandbox, in a separate slice. Stopping, upgrading or killing the unit of the agent does not affect
 * it. Processes of the app are in our own cgroup, not in the cgroup of the unit.
 */
export function createSystemdSupervisor(scriptsDir: string, name: string, run: Run): Supervisor {
  return {
    kind: 'systemd',
    async start(supervised) {
      // a build must end with the agent and needs its pipe
      if (supervised.tied) await spawnSupervisor(scriptsDir, supervised);
      else
        await runOk(run, {
          file: 'systemd-run',
          args: systemdRunArgs(name, scriptsDir, supervised),
          timeoutMs: 30_000,
        });
    },
    async forget(id) {
      await run({ file: 'systemctl', args: ['reset-failed', unitName(name, id)], timeoutMs: 10_000 });
    },
  };
}

export function unitName(name: string, id: string): string {
  return `${name}-sandbox-${id}.service`;
}

/** At a shutdown, an app has as much time as on Heroku. The supervisor has a little more, to write the exit file. */
const STOP_SECONDS = 30;
const STOP_LIMIT_SECONDS = 40;

/** Pure. No secret is among the arguments: a unit's properties can be read by every user. */
export function systemdRunArgs(name: string, scriptsDir: string, supervised: Supervised): string[] {
  return [
    '--quiet',
    '--collect',
    `--unit=${unitName(name, supervised.id)}`,
    `--slice=${name}.slice`,
    `--description=Slipway sandbox ${supervised.id}`,
    // At a shutdown the agent stops first, because it would report the end of an app as a crash. The network stops last.
    '--property=Before=slipway-agent.service',
    '--property=After=network.target',
    `--property=ExecStop=/bin/sh ${scriptsDir}/stop.sh ${supervised.processes} ${supervised.runDir} ${String(STOP_SECONDS)}`,
    `--property=TimeoutStopSec=${String(STOP_LIMIT_SECONDS)}`,
    '--property=KillMode=mixed',
    '--property=Delegate=yes',
    '--property=TasksMax=infinity',
    '--property=LimitCORE=0',
    `--property=StandardOutput=append:${supervised.runDir}/supervisor.log`,
    `--property=StandardError=append:${supervised.runDir}/supervisor.log`,
    ...Object.entries(supervised.env).map(([key, value]) => `--setenv=${key}=${value}`),
    '--',
    '/bin/sh',
    `${scriptsDir}/supervise.sh`,
    // systemd expands $NAME in a unit's command line
    ...superviseArgs(supervised).map((argument) => argument.replaceAll('$', '$$$$')),
  ];
}
