import type { Logger } from '../../shared/kit/log.ts';
import type { AcceptedDocuments } from '../accepted/documents.ts';
import type { NodeBuildRunner } from '../build/runner.ts';
import type { DestroyedApps } from '../destroyed/destroyed-apps.ts';
import type { NodeImages } from '../images/port.ts';
import { maintainImages } from '../images/maintain-images.ts';
import type { Commands } from '../one-off/commands.ts';
import type { Proxy } from '../proxy/port.ts';
import type { Sandbox } from '../sandbox/port.ts';
import type { UnitFiles } from './unit-files.ts';

export interface HostParts {
  readonly sandbox: Pick<Sandbox, 'ensureHost'>;
  readonly proxy: Pick<Proxy, 'ensureRunning'>;
  readonly units: Pick<UnitFiles, 'ensure'>;
  readonly images: NodeImages;
  readonly documents: Pick<AcceptedDocuments, 'desiredState'>;
  readonly builds: Pick<NodeBuildRunner, 'layersInUse' | 'checkLeftovers'>;
  readonly commands: Pick<Commands, 'layersInUse'>;
  readonly destroyed: Pick<DestroyedApps, 'check'>;
  readonly log: Logger;
}

/** Repairs what changed on the machine. After a failure of one part, the others are still repaired. @throws the first failure */
export async function keepHost({
  sandbox,
  proxy,
  units,
  images,
  documents,
  builds,
  commands,
  destroyed,
  log,
}: HostParts): Promise<void> {
  const parts: readonly (() => Promise<unknown>)[] = [
    () => sandbox.ensureHost(),
    () => proxy.ensureRunning(),
    () => units.ensure(),
    () =>
      maintainImages({
        images,
        assignments: () => documents.desiredState.current()?.assignments ?? [],
        inUse: new Set([...builds.layersInUse(), ...commands.layersInUse()]),
        log,
      }),
    async () => builds.checkLeftovers(),
    async () => destroyed.check(),
  ];
  const failures: unknown[] = [];
  for (const part of parts) await part().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
