import { createHash } from 'node:crypto';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { AgentProgram, ProgramFile } from './programs.ts';

export interface ScriptValues {
  /** `https://host:port` under which machines reach this API. */
  readonly url: string;
  /** The pin of the fleet's CA: `sha256:` and hex. */
  readonly pin: string;
  /** PEM, as nodes store it. */
  readonly caPem: string;
  /** The pin of the key of this API, in the form of curl: `sha256//` and base64. */
  readonly keyPin: string;
  readonly program: AgentProgram;
}

const BLOCK = /^# >>> served$[\s\S]*^# <<< served$/m;
const PLAIN = /^[A-Za-z0-9:/._=+[\] -]*$/;

/** install.sh with the values of this controller. */
export function fillInstallScript(template: string, { url, pin, caPem, keyPin, program }: ScriptValues): string {
  const file = ({ name, sha512 }: ProgramFile): string => `${name} ${sha512}`;
  const values = {
    URL: url,
    PIN: pin,
    CA_SUM: createHash('sha256').update(caPem).digest('hex'),
    KEY: keyPin,
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
 * The line that makes a machine a node. The token is the first line of the input of sh. `echo` is a builtin of the shell, so the
 * token appears in no list of processes and in no log of sudo.
 */
export function installLine(options: {
  readonly url: string;
  readonly keyPin: string;
  readonly token: string;
}): string {
  const { url, keyPin, token } = options;
  return `{ echo SLIPWAY_TOKEN=${plain(token)}; curl -fsSLk --pinnedpubkey ${plain(keyPin)} ${plain(url)}/install.sh; } | sudo sh`;
}

/** The value, if it has no characters that are special in a shell. */
function plain(value: string): string {
  if (PLAIN.test(value)) return value;
  throw new SlipwayError({
    code: 'SLIP_INSTALL_VALUE',
    kind: 'bug',
    message: `The value ${value} cannot be used in a shell script.`,
  });
}
