import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import type { Sandbox, SandboxSpec } from '../../agent/sandbox/port.ts';
import { eventually, letPass } from '../support/eventually.ts';
import { ended, openSandboxLab, readLog, type SandboxLab } from '../support/sandbox-lab.ts';

/** What a program of the suite does, in the words of each driver. */
export interface Workloads {
  /** Called once with the driver under test. */
  setUp?(sandbox: Sandbox): void;
  stay(): Partial<SandboxSpec>;
  exit(code: number): Partial<SandboxSpec>;
  ignoreTerm(): Partial<SandboxSpec>;
  /** Listens on its port and sends its id to each client. */
  listen(): Partial<SandboxSpec>;
}

const GREETER = `use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalAddr => $ENV{BIND} // '0.0.0.0', LocalPort => $ENV{PORT}, Listen => 5,
  ReuseAddr => 1) or die $!; while (my $c = $s->accept) { print $c "hello from $ENV{PORT}\\n"; close $c }`;

export const REAL_WORKLOADS: Workloads = {
  stay: () => ({ argv: ['/bin/sh', '-c', 'echo ready; exec sleep 3600'] }),
  exit: (code) => ({ argv: ['/bin/sh', '-c', `exit ${String(code)}`] }),
  ignoreTerm: () => ({ argv: ['/bin/sh', '-c', "trap '' TERM; echo ready; while :; do sleep 1; done"] }),
  listen: () => ({
    argv: ['/usr/bin/perl', '-e', GREETER],
    port: 5000,
    env: { PATH: '/usr/bin:/bin', HOME: '/app', PORT: '5000' },
  }),
};

/** What every driver keeps. */
export function sandboxContract(kind: Sandbox['kind'], workloads: Workloads): void {
  describe(`sandbox ${kind}`, { concurrency: false }, () => {
    let lab: SandboxLab;
    before(async () => {
      lab = await openSandboxLab(kind);
      workloads.setUp?.(lab.sandbox);
    });
    after(async () => {
      await lab.close();
    });

    it('prepares, starts and lists a process', async () => {
      const spec = lab.spec(workloads.stay());
      assert.equal((await lab.sandbox.prepare(spec)).phase, 'prepared');
      assert.equal((await lab.sandbox.inspect(spec.id))?.phase, 'prepared');
      const started = await lab.sandbox.start(spec.id);
      assert.equal(started.phase, 'running');
      assert.equal(typeof started.startedAtMs, 'number');
      assert.deepEqual(
        (await lab.sandbox.list()).find((found) => found.id === spec.id),
        started,
      );
      assert.equal(started.uidBase, spec.uidBase);
      await lab.sandbox.destroy(spec.id);
      assert.ok((await lab.sandbox.traces()).includes(spec.id), 'its log is kept');
      await lab.sandbox.forget(spec.id);
      assert.ok(!(await lab.sandbox.traces()).includes(spec.id));
    });

    it('does nothing when the state is already as requested', async () => {
      const spec = lab.spec(workloads.stay());
      await lab.sandbox.prepare(spec);
      await lab.sandbox.prepare(spec);
      const first = await lab.sandbox.start(spec.id);
      assert.deepEqual(await lab.sandbox.start(spec.id), first);
      assert.deepEqual(await lab.sandbox.prepare(spec), first);
      await lab.sandbox.destroy(spec.id);
      await lab.sandbox.destroy(spec.id);
      await lab.sandbox.forget(spec.id);
      await lab.sandbox.forget(spec.id);
      await lab.sandbox.ensureHost();
    });

    it('reports the end of a process and its exit status', async () => {
      const told: string[] = [];
      const stop = lab.sandbox.onExit((id) => told.push(id));
      const beforeMs = Date.now();
      const { id } = await lab.run(workloads.exit(7));
      const status = await ended(lab.sandbox, id);
      assert.equal(status.exit?.code, 7);
      assert.equal(status.exit.oomKilled, false);
      assert.ok(status.exit.atMs >= beforeMs - 1000 && status.exit.atMs <= Date.now(), String(status.exit.atMs));
      await eventually('onExit called', () => told.includes(id));
      stop();
      await lab.sandbox.forget(id);
    });

    it('ends a process with SIGTERM and names the signal', async () => {
      const { id } = await lab.run(workloads.stay());
      await untilItRuns(lab, id);
      await lab.sandbox.signal(id, 'SIGTERM');
      assert.equal((await ended(lab.sandbox, id)).exit?.signal, 'SIGTERM');
      await lab.sandbox.forget(id);
    });

    it('ends with a SIGTERM that comes before its program has started', async () => {
      for (let turn = 0; turn < 5; turn += 1) {
        const { id } = await lab.run(workloads.stay());
        await lab.sandbox.signal(id, 'SIGTERM');
        await ended(lab.sandbox, id);
        await lab.sandbox.forget(id);
      }
    });

    it('leaves a process that ignores SIGTERM alone until SIGKILL', async () => {
      const { id } = await lab.run(workloads.ignoreTerm());
      await untilItRuns(lab, id);
      await lab.sandbox.signal(id, 'SIGTERM');
      await letPass(1500); // an init that answers TERM with KILL does so after 1 s
      assert.equal((await lab.sandbox.inspect(id))?.phase, 'running');
      await lab.sandbox.signal(id, 'SIGKILL');
      assert.equal((await ended(lab.sandbox, id)).exit?.signal, 'SIGKILL');
      await lab.sandbox.forget(id);
    });

    it('removes a running process, and keeps its log until it is to be forgotten', async () => {
      const { id } = await lab.run(workloads.stay());
      await lab.sandbox.destroy(id);
      assert.equal(await lab.sandbox.inspect(id), undefined);
      assert.equal(
        (await lab.sandbox.list()).some((found) => found.id === id),
        false,
      );
      assert.equal(existsSync(lab.sandbox.logDir(id)), true);
      await lab.sandbox.forget(id);
      if (kind !== 'fake') assert.equal(existsSync(lab.sandbox.logDir(id)), false);
    });

    it('refuses to start a missing or ended sandbox until it is prepared again', async () => {
      await assert.rejects(lab.sandbox.start('nosuchsandbox'), { code: 'SLIP_SANDBOX_NOT_FOUND' });
      const spec = lab.spec(workloads.exit(1));
      await lab.sandbox.prepare(spec);
      await lab.sandbox.start(spec.id);
      await ended(lab.sandbox, spec.id);
      await assert.rejects(lab.sandbox.start(spec.id), { code: 'SLIP_SANDBOX_ENDED' });
      assert.equal((await lab.sandbox.prepare(spec)).phase, 'prepared');
      await lab.sandbox.start(spec.id);
      assert.equal((await ended(lab.sandbox, spec.id)).exit?.code, 1);
      await lab.sandbox.forget(spec.id);
    });

    it('knows the ports of the process, and lets this machine connect', async () => {
      const { id, address, port } = await lab.run(workloads.listen());
      assert.ok(port !== undefined);
      const listener = await eventually('a listener', async () =>
        (await lab.sandbox.listeners(id)).find((entry) => entry.port === port),
      );
      assert.match(listener.address, /^(0\.0\.0\.0|127\.0\.0\.1)$/);
      assert.notEqual(await greeting(address, port), '');
      await lab.sandbox.forget(id);
      assert.deepEqual(await lab.sandbox.listeners(id), []);
    });

    it('runs two sandboxes of one app beside each other', async () => {
      const [one, two] = await Promise.all([lab.run(workloads.listen()), lab.run(workloads.listen())]);
      assert.notEqual(`${one.address}:${String(one.port)}`, `${two.address}:${String(two.port)}`);
      await eventually(
        'both answer',
        async () => (await greeting(one.address, one.port!)) !== '' && (await greeting(two.address, two.port!)) !== '',
      );
      await lab.sandbox.forget(one.id);
      assert.equal((await lab.sandbox.inspect(two.id))?.phase, 'running');
      await lab.sandbox.forget(two.id);
    });
  });
}

/** A real program says when its signal handlers stand; a fake has none. */
async function untilItRuns(lab: SandboxLab, id: string): Promise<void> {
  if (lab.sandbox.kind === 'fake') return;
  await eventually('it is ready', () => readLog(lab.sandbox.logDir(id)).includes('ready'));
  assert.equal((await lab.sandbox.inspect(id))?.phase, 'running');
}

export async function greeting(address: string, port: number): Promise<string> {
  const socket = connect({ host: address, port, timeout: 30_000 });
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.on('timeout', () => socket.destroy());
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.on('close', resolve));
  return text;
}
