import type { UpgradeBody, UpgradeNodeBody } from '../../shared/api/nodes.ts';

/** One line for each node whose state changed since the last poll. */
export function renderUpgradeChanges(before: UpgradeBody | undefined, now: UpgradeBody): string {
  const head = before === undefined && now.state !== 'none' ? `Upgrading to ${now.version}\n` : '';
  const known = new Map((before?.nodes ?? []).map(({ name, state }) => [name, state]));
  const lines = now.nodes.filter(({ name, state }) => state !== 'waiting' && known.get(name) !== state).map(renderNode);
  return head + lines.join('');
}

function renderNode({ name, wave, state, reason }: UpgradeNodeBody): string {
  const words: Readonly<Record<UpgradeNodeBody['state'], string>> = {
    waiting: 'waiting',
    upgrading: `wave ${String(wave)}: upgrading`,
    done: 'done',
    failed: 'failed',
    skipped: 'skipped',
    unknown: 'unknown',
  };
  const why = reason === undefined ? '' : `: ${reason.message}`;
  const hint = reason?.hint === undefined ? '' : `\n    ${reason.hint}`;
  return `  ${name}  ${words[state]}${why}${hint}\n`;
}

export function renderUpgradeEnd({ state, version, nodes }: UpgradeBody): string {
  if (state === 'none') return 'No upgrade has run since the controller started.\n';
  const done = nodes.filter((node) => node.state === 'done').length;
  return `${String(done)} of ${String(nodes.length)} nodes upgraded to ${version}.\n`;
}
