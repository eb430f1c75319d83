import type { NodeBody } from '../../shared/api/nodes.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import type { Paint } from './paint.ts';
import { renderBytes } from './time.ts';

function nodeState(node: NodeBody, paint: Paint): { text: string; paint: (text: string) => string } {
  const extra = node.draining === true ? ', draining' : node.cordoned === true ? ', cordoned' : '';
  if (node.connected) return { text: `connected${extra}`, paint: extra === '' ? paint.green : paint.yellow };
  return { text: `${node.lost === true ? 'lost' : 'not connected'}${extra}`, paint: paint.red };
}

export function nodeRow(node: NodeBody, paint: Paint): (string | { text: string; paint: (text: string) => string })[] {
  return [
    node.name,
    nodeState(node, paint),
    [node.sandboxDriver, node.builder === true ? 'builder' : undefined].filter((part) => part !== undefined).join(', '),
    [node.agentVersion?.split('+')[0], node.platform].filter((part) => part !== undefined && part !== '').join(' on '),
    renderFree(node),
    node.load1 === undefined
      ? ''
      : `load ${node.load1.toFixed(2)}${node.instances === undefined ? '' : `, ${node.instances} up`}`,
    node.connected || node.lastSeenMsAgo === undefined ? '' : `last heard ${formatDuration(node.lastSeenMsAgo)} ago`,
  ];
}

/** `48.2 GB disk, 1.2 GB memory free` */
function renderFree({ diskFreeBytes, memoryFreeBytes }: NodeBody): string {
  if (diskFreeBytes === undefined) return '';
  if (memoryFreeBytes === undefined) return `${renderBytes(diskFreeBytes)} free`;
  return `${renderBytes(diskFreeBytes)} disk, ${renderBytes(memoryFreeBytes)} memory free`;
}
