import { once } from 'node:events';
import { join } from 'node:path';
import { start } from '../shared/kit/exec.ts';
import { PRODUCT_DIR, TestFleet } from '../test/support/fleet.ts';

// Measures the time from a key to its echo in `slipway run bash`, over the whole way: CLI, controller, agent, sandbox.
//   node bench/keystrokes.ts [keys, default 500] [host, to measure `ssh HOST` in the same way]

const [keys = '500', host] = process.argv.slice(2);
const TERMINAL = join(PRODUCT_DIR, 'test/support/cli-terminal.py');
const APP = {
  'server.js': `require('node:http').createServer((_, response) => response.end('hello')).listen(process.env.PORT);`,
  'package.json': JSON.stringify({ name: 'keys', version: '1.0.0' }),
  Procfile: 'web: node server.js\n',
};

/** One key after the other. @returns the times in ms, sorted */
async function measure(program: readonly string[], env: Readonly<Record<string, string>>): Promise<readonly number[]> {
  const child = start({ file: 'python3', args: [TERMINAL, '24', '80', ...program], env }, ['pipe', 'pipe', 'inherit']);
  const output = child.stdout;
  if (output === null) throw new Error('the terminal has no output');
  let screen = '';
  const shown = async (text: string): Promise<void> => {
    while (!screen.includes(text)) screen += String((await once(output, 'data'))[0]);
    screen = '';
  };
  await shown('$ ');
  child.stdin?.write('cat\r');
  await shown('cat');
  const times: number[] = [];
  for (let index = 0; index < Number(keys); index += 1) {
    const key = String.fromCharCode('a'.charCodeAt(0) + (index % 26));
    const sentAtMs = performance.now();
    child.stdin?.write(key);
    await shown(key);
    times.push(performance.now() - sentAtMs);
  }
  child.stdin?.end('\r\u0004exit\r');
  await once(child, 'close');
  return times.sort((a, b) => a - b);
}

function report(name: string, times: readonly number[]): void {
  const at = (share: number): string =>
    (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(2);
  process.stdout.write(
    `${JSON.stringify({ name, keys: times.length, medianMs: at(0.5), p99Ms: at(0.99), maxMs: at(1) })}\n`,
  );
}

const fleet = await TestFleet.start({ sandbox: 'lxc', controller: { rollout: { settleMs: 200, bakeMs: 200 } } });
try {
  const pushed = await (await fleet.me.repository('keys', APP)).push('keys');
  if (!pushed.ok) throw new Error(pushed.text);
  const path = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', TERM: 'xterm' };
  const env = { ...path, SLIPWAY_CONFIG: join(fleet.dir, 'cli.json') };
  report('slipway run', await measure([join(PRODUCT_DIR, 'bin/slipway'), 'run', '-a', 'keys'], env));
  if (host !== undefined) report(`ssh ${host}`, await measure(['ssh', '-tt', host], path));
} finally {
  await fleet.stop();
}
