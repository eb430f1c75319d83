import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reason } from '../../shared/domain/instance.ts';
import { readFileIfExists, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import { toSlipwayError } from '../../shared/kit/errors.ts';
import type { Run } from '../../shared/kit/exec.ts';
import type { Logger } from '../../shared/kit/log.ts';

export interface UpgradeDeps {
  readonly stateDir: string;
  /** `0.1.0+c3e11cb00a2f`; `0.1.0` of a checkout, which does not upgrade itself. */
  readonly version: Promise<string>;
  /** The controller's install.sh. */
  readonly installScript: () => Promise<string>;
  /** Tells the controller. */
  readonly tell: (reason: Reason) => void;
  readonly run: Run;
  readonly log: Logger;
}

const UNIT = 'slipway-upgrade';
/** Packages, downloads, and the switch with its way back. */
const LIMIT_MS = 15 * 60_000;

/**
 * An upgrade is install.sh run again, as a person would, in a unit of its own: this agent is stopped on the way. Its last step
 * (packaging/switch-version.sh) goes back by itself when the new version does not connect.
 */
export async function upgradeTo(version: string, deps: UpgradeDeps): Promise<void> {
  const own = await deps.version;
  if (own === version) return;
  deps.log.info({ from: own, to: version }, 'upgrade.begun');
  const reason = own.includes('+') ? await tryUpgrade(deps) : notInstalled();
  if (reason !== undefined) deps.tell(reason);
}

/** The reason why it came to nothing before the switch. After the switch nobody is there to return. */
async function tryUpgrade({ stateDir, installScript, run, log }: UpgradeDeps): Promise<Reason | undefined> {
  const script = join(stateDir, 'upgrade.sh');
  const output = join(stateDir, 'upgrade.log');
  try {
    await writeFileAtomic(script, await installScript(), 0o700);
    await rm(output, { force: true });
    const write = [`--property=StandardOutput=append:${output}`, `--property=StandardError=append:${output}`];
    const args = ['--quiet', '--wait', '--collect', `--unit=${UNIT}`, ...write, '--', '/bin/sh', script];
    const { code, stderr } = await run({ file: 'systemd-run', args, timeoutMs: LIMIT_MS });
    return code === 0 ? undefined : stopped(await readFile(output, 'utf8').catch(() => stderr));
  } catch (error) {
    log.warn({ err: error }, 'upgrade.failed');
    const { message, hint } = toSlipwayError(error);
    return { code: 'SLIP_UPGRADE_STOPPED', message, hint: hint ?? 'Try again with: slipway nodes:upgrade' };
  }
}

/** What a switch that went wrong left to be told, once. */
export async function tellLastSwitch({ stateDir, tell }: Pick<UpgradeDeps, 'stateDir' | 'tell'>): Promise<void> {
  const path = join(stateDir, 'switch-result');
  const [outcome, from = '', to = ''] = ((await readFileIfExists(path)) ?? '').split('\n');
  if (outcome === 'failed') tell(wentBack(from, to));
  if (outcome !== '') await rm(path, { force: true });
}

/** The words of install.sh: `install: WHAT` and, below, what to do. */
function stopped(output: string): Reason {
  const [, message, hint] = /^install: (.*)(?:\n {2}(.*))?/m.exec(output) ?? [];
  return {
    code: 'SLIP_UPGRADE_STOPPED',
    message:
      message ?? `The upgrade stopped: ${output.trimEnd().split('\n').at(-1)?.slice(0, 300) ?? 'it said nothing'}`,
    hint: hint ?? 'Look at /var/lib/slipway/upgrade.log on the node, then again: slipway nodes:upgrade',
  };
}

function wentBack(from: string, to: string): Reason {
  return {
    code: 'SLIP_UPGRADE_WENT_BACK',
    message: `Agent ${to} did not connect from this node, so ${from} runs again.`,
    hint: 'On the node, its last words: journalctl -u slipway-agent. Then again: slipway nodes:upgrade',
  };
}

function notInstalled(): Reason {
  return {
    code: 'SLIP_UPGRADE_NOT_INSTALLED',
    message: 'This agent runs from a checkout, so it does not upgrade itself.',
    hint: 'Update the checkout and restart it, or install it with the line of: slipway nodes:token',
  };
}
