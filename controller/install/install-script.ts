import { createHash } from 'node:crypto';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { AgentProgram, ProgramFile } from './programs.ts';

export interface ScriptValues {
  /** `https://host:port` under which machines reach this API. */
  readonly url: string;
  /** Of the fleet's CA: `sha256:` and hex. */
  readonly pin: string;
  /** PEM, as nodes keep it. */
  readonly caPem: string;
  /** Of the key this door shows: curl's form, `sha256//` and base64. */
  readonly doorPin: string;
  readonly program: AgentProgram;
}

const BLOCK = /^# >>> served$[\s\S]*^# <<< served$/m;
const PLAIN = /^[A-Za-z0-9:/._=+[\] -]*$/;

/** install.sh as one controller serves it. */
export function fillInstallScript(template: string, { url, pin, caPem, doorPin, program }: ScriptValues): string {
  const file = ({ name, sha512 }: ProgramFile): string => `${name} ${sha512}`;
  const values = {
    URL: url,
    PIN: pin,
    CA_SUM: createHash('sha256').update(caPem).digest('hex'),
    KEY: doorPin,
    VERSION: program.version,
    AGENT: file(program.agent),
    NODE_VERSION: program.nodeVersion,
    NODE_X64: file(program.node.x64),
    NODE_ARM64: file(program.node.arm64),
    NPM: file(program.npm),
  };
  const lines = Object.entries(values).map(([name, value]) => `SERVED_${name}='${plain(value)}'`);
  return template.replace(BLOCK, () => ['# >>> served', ...lines, '# <<< served'].join('\n'));
}

/**
 * The line that makes a machine a node. The token travels as the first line of what sh reads: `echo` is part of every shell, so it
 * shows in no list of processes and in no log of sudo.
 */
export function installLine(of: { readonly url: string; readonly doorPin: string; readonly token: string }): string {
  const { url, doorPin, token } = of;
  return `{ echo SLIPWAY_TOKEN=${plain(token)}; curl -fsSLk --pinnedpubkey ${plain(doorPin)} ${plain(url)}/install.sh; } | sudo sh`;
}

/** Nothing that means anything to a shell may come in through settings. */
function plain(value: string): string {
  if (PLAIN.test(value)) return value;
  throw new SlipwayError({
    code: 'SLIP_INSTALL_VALUE',
    kind: 'bug',
    message: `${value} cannot stand in a shell script.`,
  });
}
