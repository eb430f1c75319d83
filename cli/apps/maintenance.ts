import { open } from 'node:fs/promises';
import type { MaintenanceBody } from '../../shared/api/app-life.ts';
import { PAGE_BYTES_MAX } from '../../shared/domain/fleet-routes.ts';
import { show, textFlag, type Cli, type CommandRun } from '../cli.ts';
import { renderProblems } from '../terminal/problems.ts';
import { usageError } from '../usage-error.ts';

export const status: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('showMaintenance', { params: { app } });
  await show(cli, flags, { body, render: (answer) => renderState(cli, answer) });
};

export const on: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const file = textFlag(flags, 'page');
  const body = await (
    await cli.api()
  ).call('startMaintenance', { params: { app }, body: file === undefined ? {} : { page: await readPage(file) } });
  await show(cli, flags, {
    body,
    render: (answer) =>
      `Enabling maintenance mode for ${cli.paint.bold(app)}... done\n${renderProblems(answer.problems, cli.paint)}`,
  });
};

export const off: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('endMaintenance', { params: { app } });
  await show(cli, flags, {
    body,
    render: (answer) =>
      `Disabling maintenance mode for ${cli.paint.bold(app)}... done\n${renderProblems(answer.problems, cli.paint)}`,
  });
};

function renderState(cli: Cli, { maintenance, pageBytes, problems }: MaintenanceBody): string {
  const page = pageBytes === undefined ? '' : `, with a page of ${String(pageBytes)} bytes`;
  return `${maintenance ? `on${page}` : 'off'}\n${renderProblems(problems, cli.paint)}`;
}

/** Reads no more than a page may have. @throws SLIP_CLI_USAGE */
async function readPage(path: string): Promise<string> {
  const file = await open(path).catch((error: unknown) => {
    throw usageError(
      `The page ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      EXAMPLE,
    );
  });
  try {
    const bytes = Buffer.alloc(PAGE_BYTES_MAX + 1);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    if (bytesRead === 0) throw usageError(`The page ${path} is empty.`, EXAMPLE);
    if (bytesRead > PAGE_BYTES_MAX)
      throw usageError(`The page ${path} has more than ${String(PAGE_BYTES_MAX / 1024)} KiB.`, EXAMPLE);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, bytesRead));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw usageError(`The page ${path} is not text in UTF-8.`, EXAMPLE);
  } finally {
    await file.close();
  }
}

const EXAMPLE = 'For example: slipway maintenance:on --page maintenance.html';
