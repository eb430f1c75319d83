import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../shared/kit/exec.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { AgentConfig } from '../config.ts';
import { ownVersion } from './program.ts';
import { UnitFiles } from './unit-files.ts';

/** True when systemd runs this machine and we may start units. */
export function hasSystemd(): boolean {
  return existsSync('/run/systemd/system') && process.getuid?.() === 0;
}

/** The systemd units of this agent, its proxy and its apps. */
export async function composeUnits(
  { config, log }: { readonly config: AgentConfig; readonly log: Logger },
  productDir: string,
): Promise<UnitFiles> {
  const isInstalled = hasSystemd() && (await ownVersion(productDir)).includes('+');
  const places = {
    shippedDir: isInstalled ? join(productDir, 'packaging') : undefined,
    unitsDir: '/etc/systemd/system',
    transientDir: '/run/systemd/transient',
    prefixes: hasSystemd() ? ['slipway-proxy-', `${config.network.name}-sandbox-`] : [],
  };
  return new UnitFiles(places, { run, log });
}
