import type { NewRun } from '../../shared/api/runs.ts';
import { textFlag, type Flags } from '../cli.ts';
import { oneOf, parseBytes, parseDurationMs } from '../parse-flags.ts';
import { parseEnv } from './command-line.ts';

/** The flags of a one-off command. @throws SLIP_CLI_USAGE */
export function newRun(flags: Flags): Omit<NewRun, 'command'> {
  const memory = oneOf([textFlag(flags, 'memory'), textFlag(flags, 'size')], 'slipway run:detached --memory 1G');
  const [type, env, node, ttl] = ['type', 'env', 'node', 'ttl'].map((name) => textFlag(flags, name));
  return {
    ...(memory === undefined ? {} : { memoryBytes: parseBytes(memory, '--memory') }),
    ...(type === undefined ? {} : { type }),
    ...(env === undefined ? {} : { env: parseEnv(env) }),
    ...(node === undefined ? {} : { node }),
    ...(ttl === undefined ? {} : { ttlMs: parseDurationMs(ttl, '--ttl', '--ttl 1h') }),
  };
}
