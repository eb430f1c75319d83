import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, runOk } from '../../shared/kit/exec.ts';
import type { TestFleet } from './fleet.ts';

interface Network {
  readonly name: string;
  readonly bridge: string;
}

/** Master and workers of haproxy, as the agent has recorded them. */
export async function haproxyPids(fleet: TestFleet): Promise<number[]> {
  const master = await notedPid(join(fleet.dir, 'agent', 'proxy', 'haproxy.pid'));
  const { stdout } = await run({ file: 'pgrep', args: ['-P', String(master)] });
  return [master, ...numbers(stdout)];
}

/**
 * What a reboot does to a node, as far as one machine can do it to itself: every process of agent, proxy and sandboxes is dead at
 * once, no mount, namespace, bridge, rule or control group is left, and the boot has another id. Files stay.
 */
export async function cutPower(fleet: TestFleet): Promise<void> {
  const agentDir = join(fleet.dir, 'agent');
  const network = (JSON.parse(await readFile(join(fleet.dir, 'agent.json'), 'utf8')) as { network: Network }).network;
  const proxy = await Promise.all(['watch.pid', 'logger.pid'].map((name) => notedPid(join(agentDir, 'proxy', name))));
  const supervisors = await supervisorPids(agentDir);
  const doomed = [...proxy, ...(await haproxyPids(fleet)), ...supervisors, ...(await cgroupPids(network.name))];
  await fleet.endAgent('SIGKILL');
  for (const pid of doomed) kill(pid);
  for (const pid of await cgroupPids(network.name)) kill(pid); // born in between
  await removeNetwork(network);
  await run({ file: 'umount', args: ['--recursive', '--lazy', '--', agentDir], timeoutMs: 240_000 });
  await removeCgroups(network.name);
  await changeBootIds(agentDir);
}

async function notedPid(file: string): Promise<number> {
  return Number((await readFile(file, 'utf8')).split(' ', 1)[0]);
}

async function sandboxDirs(agentDir: string): Promise<string[]> {
  const dir = join(agentDir, 'sandbox', 'sandboxes');
  return (await readdir(dir)).map((id) => join(dir, id));
}

async function supervisorPids(agentDir: string): Promise<number[]> {
  const pids = (await sandboxDirs(agentDir)).map((dir) => notedPid(join(dir, 'run', 'pid')).catch(() => 0));
  return (await Promise.all(pids)).filter((pid) => pid > 0);
}

async function cgroupFolders(name: string): Promise<string[]> {
  const { stdout } = await runOk(run, {
    file: 'find',
    args: ['/sys/fs/cgroup', '-depth', '-type', 'd', '-path', `*/${name}*`],
  });
  return stdout.split('\n').filter((dir) => new RegExp(`/${name}(/|$)`).test(dir));
}

async function cgroupPids(name: string): Promise<number[]> {
  const lists = (await cgroupFolders(name)).map((dir) => readFile(join(dir, 'cgroup.procs'), 'utf8').catch(() => ''));
  return numbers((await Promise.all(lists)).join('\n'));
}

async function removeCgroups(name: string): Promise<void> {
  for (const dir of await cgroupFolders(name)) await run({ file: 'rmdir', args: ['--', dir] });
}

async function removeNetwork({ name, bridge }: Network): Promise<void> {
  for (const netns of (await readdir('/run/netns')).filter((each) => each.startsWith(`${bridge}-`))) {
    await run({ file: 'ip', args: ['netns', 'del', netns] });
  }
  for (const link of [`${bridge}-p0`, bridge]) await run({ file: 'ip', args: ['link', 'del', link] });
  await run({ file: 'nft', args: ['delete', 'table', 'inet', name] });
}

async function changeBootIds(agentDir: string): Promise<void> {
  for (const dir of await sandboxDirs(agentDir)) {
    const path = join(dir, 'record.json');
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    await writeFile(
      path,
      JSON.stringify({ ...(JSON.parse(text) as object), bootId: '00000000-0000-4000-8000-000000000000' }),
    );
  }
}

function numbers(text: string): number[] {
  return text.split('\n').filter(Boolean).map(Number);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone already
  }
}
