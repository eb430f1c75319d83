import { VERSION } from '../../shared/kit/version.ts';
import type { CommandRun } from '../cli.ts';

export const version: CommandRun = (cli) =>
  cli.write(`slipway/${VERSION} ${process.platform}-${process.arch} node-${process.version}\n`);
