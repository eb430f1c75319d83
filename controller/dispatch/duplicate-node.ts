import type { Reason } from '../../shared/domain/instance.ts';

/** One boot of a machine that sent Hello as a node. */
export interface Boot {
  readonly bootId: string;
  /** The peer address without its port. */
  readonly address: string;
}

export interface BootHistory {
  /** Each boot once, the most recent last. */
  readonly seen: readonly Boot[];
  /** Two machines that use the identity of one node. */
  readonly duplicates?: readonly [Boot, Boot] | undefined;
}

/** Several copies of one machine may exist. The limit bounds memory when a machine reboots in a loop. */
const BOOTS_KEPT = 8;

/** A machine never uses a former boot id again. So a boot id that reappears after another one means that two machines share one identity. Pure. */
export function recordBoot({ seen, duplicates }: BootHistory, boot: Boot): BootHistory {
  const last = seen.at(-1);
  const others = seen.filter(({ bootId }) => bootId !== boot.bootId);
  const reappears = others.length < seen.length && last !== undefined && last.bootId !== boot.bootId;
  return { seen: [...others, boot].slice(-BOOTS_KEPT), duplicates: reappears ? [last, boot] : duplicates };
}

/** Pure. */
export function duplicateNodeReason(name: string, [one, other]: readonly [Boot, Boot]): Reason {
  const addresses = [one.address, other.address].sort().join(' and ');
  return {
    code: 'SLIP_NODE_TWICE',
    message: `Two machines use the identity of node ${name} (at ${addresses}). One is a copy of the other, with its certificate.`,
    hint: 'on the copy: sudo sh /opt/slipway/current/install.sh --uninstall, then the command that slipway nodes:token prints',
  };
}
