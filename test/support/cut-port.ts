import type { TestContext } from 'node:test';
import { run, runOk } from '../../shared/kit/exec.ts';

/** Drops what goes to a port of this machine and what comes from it, in silence, as a cut cable does; until the end of the test. */
export async function cutPort(t: TestContext, port: number): Promise<void> {
  const table = `slipway_test_cut_${String(port)}`;
  t.after(() => run({ file: 'nft', args: ['delete', 'table', 'inet', table] }));
  const rules = `table inet ${table} {
  chain input {
    type filter hook input priority -300;
    iifname "lo" tcp dport ${String(port)} drop
    iifname "lo" tcp sport ${String(port)} drop
  }
}
`;
  await runOk(run, { file: 'nft', args: ['-f', '-'], stdin: rules });
}
