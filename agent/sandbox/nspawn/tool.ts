import { confinement } from '../filter.ts';
import type { SandboxTool } from '../tool.ts';
import { nspawnArgv } from './argv.ts';

const NSPAWN = '/usr/bin/systemd-nspawn';

/** systemd-nspawn, with or without systemd around it. */
export const nspawnTool: SandboxTool = Object.freeze({
  kind: 'nspawn',
  program: NSPAWN,
  managesCgroup: false,
  limitsTerminals: false,
  render(policy, context) {
    const confine = confinement(policy, context.secretsDir);
    return {
      files: confine.files,
      // one hierarchy inside: with version 1 the ones that the process is not in would show everybody's groups
      argv: [
        ...['/usr/bin/env', 'SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1'],
        ...['/usr/bin/nsenter', `--net=${policy.netns}`, '--', NSPAWN, ...nspawnArgv(policy, confine.argv)],
      ],
    };
  },
  leftovers: (id) => [`/run/systemd/nspawn/propagate/${id}`, `/run/systemd/nspawn/unix-export/${id}`],
} satisfies SandboxTool);
