import { join } from 'node:path';
import { confinement } from '../filter.ts';
import { INSIDE_DIR } from '../policy.ts';
import type { SandboxTool } from '../tool.ts';
import { lxcConfig, lxcSeccompProfile } from './config.ts';

/** A folder without newuidmap: root needs no help to map uids, and the helper would insist on /etc/subuid. */
const EMPTY_PATH = '/nonexistent';

const LXC_EXECUTE = '/usr/bin/lxc-execute';

/** LXC: `lxc-execute` with a config file per sandbox; its small init reaps and reports. */
export const lxcTool: SandboxTool = Object.freeze({
  kind: 'lxc',
  program: LXC_EXECUTE,
  managesCgroup: true,
  limitsTerminals: true,
  render(policy, context) {
    const containers = join(context.runDir, 'lxc');
    const seccompProfile = join(context.runDir, 'seccomp');
    const saveOom = `/bin/sh ${join(context.scriptsDir, 'save-oom.sh')} ${context.oomFile} ${join(context.runDir, 'oom')}`;
    const config = lxcConfig(policy, {
      seccompProfile,
      cgroup: context.cgroup,
      cgroupVersion: context.cgroupVersion,
      stopHook: context.cgroupVersion === 1 ? saveOom : undefined,
    });
    const confine = confinement(policy, context.secretsDir);
    const own = {
      [join(containers, policy.id, 'config')]: config,
      [seccompProfile]: lxcSeccompProfile(policy.seccompDeny),
    };
    return {
      files: { ...own, ...confine.files },
      argv: [
        ...['/usr/bin/env', '-i', `PATH=${EMPTY_PATH}`, LXC_EXECUTE, '-P', containers, '-n', policy.id],
        ...['-o', join(context.runDir, 'tool.log'), '-l', 'WARN', '--', '/bin/sh', `${INSIDE_DIR}/bin/report.sh`],
        ...[...confine.argv, ...policy.argv],
      ],
    };
  },
  // the lock of each container, under the path that its config has
  leftovers: (_, dir) => [join('/run/lxc/lock', dir)],
} satisfies SandboxTool);
