import { join } from 'node:path';
import type { Run } from '../../../shared/kit/exec.ts';
import type { DnsProvider } from '../../domain/dns-providers.ts';
import type { DnsDriver } from './port.ts';
import { providerFailed } from './provider-failed.ts';

const TIMEOUT_MS = 60_000;

export interface ProgramDeps {
  readonly run: Run;
  /** The only folder whose programs are started. Whoever may write there may run programs as the controller anyway. */
  readonly programsDir: string;
  readonly signal: AbortSignal;
}

/** A program of the operator on the controller: `PROGRAM present|cleanup NAME VALUE`. Its output is never shown, because it may have secrets. */
export function createExecProgram(
  { name: provider, settings }: DnsProvider,
  { run, programsDir, signal }: ProgramDeps,
): DnsDriver {
  const program = settings['program'] ?? '';
  const call = async (action: 'present' | 'cleanup', name: string, value: string): Promise<void> => {
    const args = [action, name, value];
    const options = { timeoutMs: TIMEOUT_MS, signal, maxOutputBytes: 0, cwd: programsDir };
    const result = await run({ file: join(programsDir, program), args, ...options }).catch((cause: unknown) => {
      throw providerFailed(provider, `the program ${program} did not run to its end in 60 seconds`, cause);
    });
    const how = result.signal ?? `exit code ${String(result.code)}`;
    if (result.code !== 0) throw providerFailed(provider, `the program ${program} failed (${how}) at ${action}`);
  };
  return {
    present: (name, value) => call('present', name, value),
    cleanup: (name, value) => call('cleanup', name, value),
  };
}
