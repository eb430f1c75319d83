import type { NodeInfoBody } from '../../shared/api/nodes.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { show, textFlag, type Cli, type CommandRun } from '../cli.ts';
import { parseDurationMs } from '../parse-flags.ts';
import { pauseBeforePoll } from '../poll.ts';
import { renderDrainStep } from './render.ts';

export const drain: CommandRun = async (cli, [node = ''], flags) => {
  const api = await cli.api();
  const deadline = textFlag(flags, 'deadline');
  const body = deadline === undefined ? {} : { deadlineMs: parseDurationMs(deadline, '--deadline') };
  const started = await api.call('drainNode', { params: { node }, body });
  if (flags['wait'] === false)
    return show(cli, flags, {
      body: started,
      render: (answer) => `Draining ${answer.name}. See: slipway nodes:info ${answer.name}\n`,
    });
  const ended = await followDrain(cli, started, (text) =>
    flags['json'] === true ? Promise.resolve() : cli.write(text),
  );
  if (namesOn(ended).length > 0) throw nodeNotEmpty(ended);
  await show(cli, flags, {
    body: ended,
    render: (answer) =>
      `${answer.name} is drained and stays cordoned. To use it again: slipway nodes:uncordon ${answer.name}\n`,
  });
};

/** Prints what is new. Ctrl-C ends this command, not the drain. */
async function followDrain(
  cli: Cli,
  started: NodeInfoBody,
  print: (text: string) => Promise<void>,
): Promise<NodeInfoBody> {
  const api = await cli.api();
  let node = started;
  let printed = new Set<string>();
  for (;;) {
    const lines = renderDrainStep(node, cli.paint);
    for (const line of lines.filter((each) => !printed.has(each))) await print(`${line}\n`);
    printed = new Set(lines);
    if (node.draining !== true || cli.signal.aborted) return node;
    await pauseBeforePoll(cli);
    node = await api.call('showNode', { params: { node: started.name } });
  }
}

/** The instances and one-off commands that still run on the node. */
function namesOn({ placed, commands = [] }: NodeInfoBody): readonly string[] {
  return [...placed, ...commands].map(({ app, name }) => `${name} of ${app}`);
}

function nodeNotEmpty(node: NodeInfoBody): SlipwayError {
  const names = namesOn(node).join(', ');
  return new SlipwayError({
    code: 'SLIP_NODE_NOT_DRAINED',
    kind: 'conflict',
    message: `${node.name} is not empty: ${names} could not be moved in time and keeps running. The node stays cordoned.`,
    hint: `See the reason with: slipway nodes:info ${node.name}. Then drain it again with a longer --deadline.`,
  });
}
