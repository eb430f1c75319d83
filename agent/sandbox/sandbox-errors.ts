import { SlipwayError } from '../../shared/kit/errors.ts';

export function sandboxNotFound(id: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_SANDBOX_NOT_FOUND',
    kind: 'conflict',
    message: `There is no sandbox ${id} on this node.`,
  });
}

export function sandboxEnded(id: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_SANDBOX_ENDED',
    kind: 'conflict',
    message: `Sandbox ${id} has ended. It must be prepared again.`,
  });
}

export function sandboxToolMissing({
  kind,
  program,
}: {
  readonly kind: 'lxc' | 'nspawn';
  readonly program: string;
}): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_SANDBOX_TOOL',
    kind: 'transient',
    message: `${program} is not installed, so no instance can start on this node.`,
    hint: `Install it on the node: apt-get install ${kind === 'lxc' ? 'lxc' : 'systemd-container'}`,
  });
}

export function sandboxNotStarted(runDir: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_SANDBOX_START',
    kind: 'transient',
    message: 'The supervisor of a sandbox did not start.',
    hint: `See ${runDir}/supervisor.log on the node.`,
  });
}
