import type { MachineFacts } from '../../shared/domain/node-facts.ts';
import { renderBytes } from '../terminal/time.ts';

/** Rows about the machine of a node; none before its agent has reported them. */
export function machineRows(machine: MachineFacts | undefined): [string, string][] {
  if (machine === undefined) return [];
  const { product, virtualization, disks, interfaces, swapBytes } = machine;
  return [
    ['Machine:', [product, virtualization === 'none' ? 'not virtual' : virtualization].filter(isGiven).join(', ')],
    ['CPU:', cpuOf(machine)],
    ['Swap:', swapBytes === 0 ? '' : renderBytes(swapBytes)],
    ['Disks:', disks.map(({ name, sizeBytes, medium }) => words(name, renderBytes(sizeBytes), medium)).join(', ')],
    ['Network:', interfaces.map(renderInterface).join(', ')],
  ];
}

function cpuOf({ cpuModel, cpuCores, cpuSockets }: MachineFacts): string {
  if (cpuCores === 0) return cpuModel;
  const sockets = cpuSockets > 1 ? ` in ${String(cpuSockets)} sockets` : '';
  return [cpuModel, `${String(cpuCores)} core${cpuCores === 1 ? '' : 's'}${sockets}`].filter(isGiven).join(', ');
}

function renderInterface({ name, addresses, speedMbps }: MachineFacts['interfaces'][number]): string {
  return words(name, ...addresses, speedMbps === undefined ? '' : `${String(speedMbps)} Mbit/s`);
}

function words(...parts: readonly string[]): string {
  return parts.filter(isGiven).join(' ');
}

function isGiven(part: string): boolean {
  return part !== '';
}
