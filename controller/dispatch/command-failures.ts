import type { Reason } from '../../shared/domain/instance.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import type { CommandRow } from '../domain/commands.ts';

type Named = Pick<CommandRow, 'app' | 'process'>;

/** The controller, or the session of the node, ended before the command was sent. */
export function notSent({ app, process }: Named): Reason {
  return {
    code: 'SLIP_COMMAND_NOT_STARTED',
    message: `${process} of ${app} did not run: it was not sent to its node.`,
    hint: 'Start it again.',
  };
}

/** The node was away for too long, was removed, or does not know the command any more. */
export function unknownEnd({ app, process }: Named, node: string): Reason {
  return {
    code: 'SLIP_COMMAND_UNKNOWN',
    message: `It is unknown whether ${process} of ${app} ended: node ${node} sent no result.`,
    hint: `Look at what it did before you start it again: slipway logs -a ${app} -p ${process}`,
  };
}

export function awayNotice(node: string, waitMs: number): string {
  return `\n !     The connection to node ${node} is lost. The command continues there. Waiting up to ${formatDuration(waitMs)} for the node.\n`;
}
