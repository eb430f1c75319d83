import { instanceLayout } from './config.ts';
import type { RootFilesystems } from './files/root-filesystems.ts';
import type { IsolatedParts } from './isolated-parts.ts';
import type { NetworkLease } from './network/namespaces.ts';
import type { SandboxSpec } from './port.ts';
import { discardExit, prepareFiles, writeToolFiles } from './prepare.ts';
import { recordOf, saveRecord } from './record.ts';

/** Makes everything that a sandbox needs before its start. The record comes last: the next agent removes a folder without a record. */
export async function makeSandbox(
  spec: SandboxSpec,
  lease: NetworkLease,
  from: IsolatedParts & { readonly rootFilesystems: RootFilesystems },
): Promise<void> {
  const { disks, namespaces, hostNetwork, cgroups, tool, run, base, scriptsDir, oomScoreAdjust, bootId, clock } = from;
  const layout = instanceLayout(base, spec.id);
  const [rootFiles] = await Promise.all([
    from.rootFilesystems.ensure(spec.stack),
    disks.take(spec.limits, layout.dir),
    cgroups.create(spec.id, { limits: spec.limits, purpose: spec.purpose, withApp: !tool.managesCgroup }),
    spec.egress ? hostNetwork.admit(spec.id, lease.address, spec.uidBase) : namespaces.closeEgress(lease),
    discardExit(layout),
  ]);
  const parts = { netns: `/run/netns/${lease.netns}`, address: lease.address, ownTerminals: !tool.limitsTerminals };
  const policy = await prepareFiles({ spec, layout, rootFiles, base, scriptsDir, oomScoreAdjust, ...parts }, run);
  const plan = tool.render(policy, {
    runDir: layout.run,
    secretsDir: layout.secrets,
    scriptsDir,
    cgroup: cgroups.path(spec.id),
    cgroupVersion: cgroups.version,
    oomFile: cgroups.oomFile(spec.id),
  });
  await writeToolFiles(plan.files);
  const made = { bootId, preparedAtMs: clock.nowMs(), argv: plan.argv, joinCgroup: !tool.managesCgroup };
  await saveRecord(layout.record, recordOf(spec, lease, made));
}
