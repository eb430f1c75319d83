import type { TestContext } from 'node:test';
import { run, runOk } from '../../shared/kit/exec.ts';

/** Drops all packets to and from a port of this machine until the end of the test, as a cut cable does. */
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
