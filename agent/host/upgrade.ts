import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reason } from '../../shared/domain/instance.ts';
import { readFileIfExists, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import { toSlipwayError } from '../../shared/kit/errors.ts';
import type { Run } from '../../shared/kit/exec.ts';
import type { Logger } from '../../shared/kit/log.ts';

export interface UpgradeDeps {
  readonly stateDir: string;
  /** `0.1.0+c3e11cb00a2f`; `0.1.0` for a checkout, which does not upgrade itself. */
  readonly version: Promise<string>;
  /** The controller's install.sh. */
  readonly installScript: () => Promise<string>;
  /** Sends an event to the controller. */
  readonly report: (reason: Reason) => void;
  readonly run: Run;
  readonly log: Logger;
}

const UNIT = 'slipway-upgrade';
/** For packages, downloads, the switch and its rollback. */
const LIMIT_MS = 15 * 60_000;

/**
 * An upgrade runs install.sh again, in a unit of its own, because the upgrade stops this agent. Its last step (packaging/switch-version.sh)
 * rolls back when the new version does not connect.
 */
export async function upgradeTo(version: string, deps: UpgradeDeps): Promise<void> {
  const own = await deps.version;
  if (own === version) return;
  deps.log.info({ from: own, to: version }, 'upgrade.begun');
  const reason = own.includes('+') ? await tryUpgrade(deps) : notInstalled();
  if (reason !== undefined) deps.report(reason);
}

/** @returns the reason of a failure before the switch. After the switch, this process no longer runs. */
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

/** Reports a failed switch to the controller, once. */
export async function reportLastSwitch({ stateDir, report }: Pick<UpgradeDeps, 'stateDir' | 'report'>): Promise<void> {
  const path = join(stateDir, 'switch-result');
  const [outcome, from = '', to = ''] = ((await readFileIfExists(path)) ?? '').split('\n');
  if (outcome === 'failed') report(rolledBack(from, to));
  if (outcome !== '') await rm(path, { force: true });
}

/** install.sh prints `install: MESSAGE`, and a hint on the next line. */
function stopped(output: string): Reason {
  const [, message, hint] = /^install: (.*)(?:\n {2}(.*))?/m.exec(output) ?? [];
  return {
    code: 'SLIP_UPGRADE_STOPPED',
    message:
      message ?? `The upgrade stopped: ${output.trimEnd().split('\n').at(-1)?.slice(0, 300) ?? 'there is no output'}`,
    hint: hint ?? 'See /var/lib/slipway/upgrade.log on the node. Then try again with: slipway nodes:upgrade',
  };
}

function rolledBack(from: string, to: string): Reason {
  return {
    code: 'SLIP_UPGRADE_WENT_BACK',
    message: `Agent ${to} did not connect from this node, so ${from} runs again.`,
    hint: 'See its log on the node: journalctl -u slipway-agent. Then try again with: slipway nodes:upgrade',
  };
}

function notInstalled(): Reason {
  return {
    code: 'SLIP_UPGRADE_NOT_INSTALLED',
    message: 'This agent runs from a checkout, so it does not upgrade itself.',
    hint: 'Update the checkout and restart the agent, or install an agent with the command that this prints: slipway nodes:token',
  };
}
