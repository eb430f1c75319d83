interface ShownCommand {
  /** `release.12`, `run.4`, `cron.report.7` */
  readonly process: string;
  readonly kind: string;
  readonly release: number;
}

/** What a user types to see the output of a one-off command. */
export function outputCommand(app: string, { process, kind, release }: ShownCommand): string {
  if (kind === 'release') return `slipway releases:output v${String(release)} -a ${app}`;
  return kind === 'cron' ? `slipway cron:output ${process} -a ${app}` : `slipway run:logs ${process} -a ${app}`;
}
