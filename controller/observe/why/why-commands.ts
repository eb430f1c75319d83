import type { WhyChain } from '../../../shared/api/observe.ts';
import { outputCommand } from '../../../shared/domain/output-command.ts';
import { scriptOf } from '../../domain/commands.ts';
import { titleOf } from '../../one-off/release-step.ts';
import type { AppWhyFacts, CommandFact, FailedScript } from './facts.ts';
import { clockTime } from './format.ts';

/** Pure: the one-off commands that a user should know of: the commands of releases, and those on a node that is drained. */
export function commandChains(facts: AppWhyFacts): readonly WhyChain[] {
  return facts.commands.flatMap((command) => {
    const drain = drainOf(facts, command);
    if (command.kind !== 'release' && drain === undefined) return [];
    const links = [...runs(facts, command), ...(drain ?? [])];
    return [{ links, next: outputCommand(facts.app, command) }];
  });
}

/** Pure: the scripts of app.json that failed after the current release was live. A later release removes them. */
export function scriptChains({ app, failedScripts }: AppWhyFacts): readonly WhyChain[] {
  return failedScripts.map((script) => ({
    code: script.failure?.code ?? 'SLIP_COMMAND_FAILED',
    links: [
      saysFailed(script),
      `It ran after v${String(script.release)} was live, so v${String(script.release)} keeps serving.`,
    ],
    next: outputCommand(app, { ...script, kind: 'release' }),
  }));
}

/** `scripts.dokku.postdeploy of v12 failed. release.postdeploy.12 of shop exited with status 1.` */
export function saysFailed({ process, release, failure }: FailedScript): string {
  const title = titleOf({ script: scriptOf({ process, release }) });
  return `${title} of v${String(release)} failed. ${failure?.message ?? ''}`.trim();
}

function runs({ latest }: AppWhyFacts, command: CommandFact): readonly string[] {
  const { process, kind, release, node, startedAtMs } = command;
  const since = startedAtMs === undefined ? '' : ` since ${clockTime(startedAtMs)}`;
  if (kind !== 'release') return [`${process} runs on node ${node}${since}.`];
  const made = latest?.version === release ? [`${latest.user} made v${String(release)}: ${latest.description}.`] : [];
  const title = titleOf({ script: scriptOf(command) });
  return [...made, `${title} of v${String(release)} runs on node ${node}${since}.`];
}

function drainOf({ nodes }: AppWhyFacts, { node }: CommandFact): readonly string[] | undefined {
  const found = nodes.find(({ name }) => name === node);
  if (found?.draining !== true) return undefined;
  const until = found.drainUntilMs === undefined ? 'at its deadline' : `at ${clockTime(found.drainUntilMs)}`;
  return [`${node} is being drained, so it is stopped ${until} if it has not ended.`];
}
