import type { Reason } from '../../shared/domain/instance.ts';

/** One boot of a machine that said Hello as a node. */
export interface Boot {
  readonly bootId: string;
  /** Where it came from, without the port. */
  readonly address: string;
}

export interface Boots {
  /** The last one last, each once. */
  readonly seen: readonly Boot[];
  /** Two machines that took the node's place from each other. */
  readonly twins?: readonly [Boot, Boot] | undefined;
}

/** A clone may be of a clone; and a machine that boots again and again must not fill the memory. */
const REMEMBERED = 8;

/** A machine boots anew and never again as before: whoever comes back has been there all the time, and so has who came between. Pure. */
export function afterHello({ seen, twins }: Boots, boot: Boot): Boots {
  const last = seen.at(-1);
  const rest = seen.filter(({ bootId }) => bootId !== boot.bootId);
  const isBack = rest.length < seen.length && last !== undefined && last.bootId !== boot.bootId;
  return { seen: [...rest, boot].slice(-REMEMBERED), twins: isBack ? [last, boot] : twins };
}

/** What there is to say of it. Pure. */
export function twinTrouble(name: string, [one, other]: readonly [Boot, Boot]): Reason {
  const where = [one.address, other.address].sort().join(' and ');
  return {
    code: 'SLIP_NODE_TWICE',
    message: `Two machines are ${name} and take its place from each other again and again (at ${where}): one is a copy of the other, with its certificate.`,
    hint: 'on the copy: sudo sh /opt/slipway/current/install.sh --uninstall, then the line of slipway nodes:token',
  };
}
