import { join } from 'node:path';
import { INSIDE_DIR } from '../policy.ts';
import type { SandboxTool } from '../tool.ts';
import { nspawnArgv } from './argv.ts';
import { argumentFilter } from './filter.ts';

/** systemd-nspawn, with or without systemd around it. */
export const nspawnTool: SandboxTool = Object.freeze({
  kind: 'nspawn',
  managesCgroup: false,
  render(policy, context) {
    const filter = argumentFilter(policy.seccompDeny, process.arch);
    const confine =
      filter === undefined ? [] : ['/usr/bin/perl', `${INSIDE_DIR}/bin/confine.pl`, String(filter.prctl), `${INSIDE_DIR}/env/filter`];
    return {
      files: filter === undefined ? {} : { [join(context.secretsDir, 'filter')]: filter.program },
      // one hierarchy inside: with version 1 the ones that the process is not in would show everybody's groups
      argv: [
        ...['/usr/bin/env', 'SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1'],
        ...['/usr/bin/nsenter', `--net=${policy.netns}`, '--', '/usr/bin/systemd-nspawn', ...nspawnArgv(policy, confine)],
      ],
    };
  },
  leftovers: (id) => [`/run/systemd/nspawn/propagate/${id}`, `/run/systemd/nspawn/unix-export/${id}`],
} satisfies SandboxTool);
