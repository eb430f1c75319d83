import { instanceLayout } from '../../agent/sandbox/config.ts';
import { sandboxPolicy, type SandboxPolicy } from '../../agent/sandbox/policy.ts';
import type { SandboxSpec } from '../../agent/sandbox/port.ts';
import { DEFAULT_LIMITS } from '../../shared/domain/assignment.ts';
import type { AppName } from '../../shared/domain/names.ts';

export function sampleSpec(changes: Partial<SandboxSpec> = {}): SandboxSpec {
  return {
    id: 'abcdefgh',
    purpose: 'app',
    app: 'sample' as AppName,
    uidBase: 0x3000_0000,
    hostname: 'sample-web-1',
    stack: 'host',
    lowerDirs: ['/layers/a'],
    readOnlyBinds: {},
    writableBinds: {},
    argv: ['/bin/bash', '-c', 'node server.js'],
    env: {},
    limits: DEFAULT_LIMITS,
    egress: true,
    logBytesMax: 1_000_000,
    ...changes,
  };
}

export function samplePolicy(changes: Partial<SandboxSpec> = {}): SandboxPolicy {
  const spec = sampleSpec(changes);
  return sandboxPolicy({
    spec,
    layout: instanceLayout('/state/sandbox', spec.id),
    root: '/state/sandbox/root/host',
    rootMounts: [{ kind: 'bind', source: '/usr', target: '/usr', readOnly: true, isFile: false }],
    fileBinds: new Set(),
    procEntries: ['/proc/kallsyms', '/proc/kmsg'],
    oomScoreAdjust: 500,
    view: (path) => path,
    scriptsDir: '/state/sandbox/scripts/1',
    ownTerminals: false,
    netns: '/run/netns/slip0-2',
  });
}
