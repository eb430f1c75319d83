import { once } from 'node:events';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { start } from '../../shared/kit/exec.ts';

/**
 * Opens a file in the editor of the user, on this terminal, and waits until the editor ends. Ctrl-C is for the editor meanwhile.
 * @param command the value of VISUAL or EDITOR: a program, and its arguments after spaces
 * @throws SLIP_CLI_EDITOR
 */
export async function openEditor(
  path: string,
  { command, env }: { readonly command: string; readonly env: Readonly<Record<string, string>> },
): Promise<void> {
  const [file = '', ...args] = command.split(' ').filter((word) => word !== '');
  const listeners = process.listeners('SIGINT');
  const ignore = (): void => undefined;
  process.removeAllListeners('SIGINT').on('SIGINT', ignore);
  try {
    const child = start({ file, args: [...args, path], env }, 'inherit');
    await once(child, 'exit');
    if (child.exitCode !== 0)
      throw failed(command, `It ended with ${child.signalCode ?? `exit code ${String(child.exitCode)}`}.`);
  } catch (error) {
    throw error instanceof SlipwayError ? error : failed(command, 'It cannot be started.', error);
  } finally {
    process.off('SIGINT', ignore);
    for (const listener of listeners) process.on('SIGINT', listener);
  }
}

function failed(command: string, why: string, cause?: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CLI_EDITOR',
    message: `The editor ${JSON.stringify(command)} failed. ${why} Nothing was changed.`,
    hint: 'Name your editor in VISUAL or EDITOR, for example: EDITOR=nano slipway config:edit',
    cause,
  });
}
