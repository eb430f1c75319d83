import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { run, runOk, start } from '../../shared/kit/exec.ts';
import { randomId } from '../../shared/kit/random-id.ts';

/** A machine with a private address beside this one, in its own network namespace. It echoes what it receives. */
export interface PrivateMachine {
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

const ECHO = `const ports = process.argv.slice(1).map(Number);
let waiting = ports.length;
for (const port of ports)
  require('node:net')
    .createServer((socket) => socket.on('error', () => undefined).pipe(socket))
    .listen(port, '0.0.0.0', () => --waiting === 0 && console.log('ready'));`;

/** @param morePorts more ports on which it answers */
export async function openPrivateMachine(morePorts: readonly number[] = []): Promise<PrivateMachine> {
  const name = `slpm${randomId().slice(0, 5)}`;
  const network = `10.251.${String(randomInt(0, 256))}`;
  const base = randomInt(0, 63) * 4;
  const [here, there] = [`${network}.${String(base + 1)}`, `${network}.${String(base + 2)}`];
  const ip = (...args: string[]): Promise<unknown> => runOk(run, { file: 'ip', args });
  const port = 4873;
  await ip('netns', 'add', name);
  await ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  await ip('addr', 'add', `${here}/30`, 'dev', name);
  await ip('link', 'set', name, 'up');
  await ip('-n', name, 'addr', 'add', `${there}/30`, 'dev', 'eth0');
  await ip('-n', name, 'link', 'set', 'eth0', 'up');
  await ip('-n', name, 'route', 'add', 'default', 'via', here);
  const args = ['netns', 'exec', name, process.execPath, '-e', ECHO, ...[port, ...morePorts].map(String)];
  const server = start({ file: 'ip', args }, ['ignore', 'pipe', 'inherit']);
  assert.ok(server.stdout);
  await once(server.stdout, 'data');
  return {
    address: there,
    port,
    close: async () => {
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
      await ip('netns', 'del', name);
    },
  };
}
