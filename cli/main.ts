import { run } from '../shared/kit/exec.ts';
import { resolveApp } from './app-name.ts';
import type { Cli } from './cli.ts';
import type { ApiClient } from './client.ts';
import { readSettings, readEnvironment, type CliEnvironment } from './settings.ts';
import { runProgram } from './program.ts';
import { processConsole } from './terminal/console.ts';
import { openEditor } from './terminal/editor.ts';
import { readLine } from './terminal/read-line.ts';
import { readSecret } from './terminal/read-secret.ts';
import { renderError, renderErrorJson } from './terminal/error.ts';
import { colourPaint, plainPaint } from './terminal/paint.ts';
import { SlipwayError, toSlipwayError } from '../shared/kit/errors.ts';
import { exitCodeOf } from './usage-error.ts';

/** Waits for a slow reader. A reader that closed the pipe is no error. */
function write(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
  });
}

function endWhenOutputCannotBeWritten(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    process.stderr.write(renderError(outputLost(error), plainPaint));
    process.exit(1);
  });
  process.stderr.on('error', () => undefined);
}

function outputLost(cause: NodeJS.ErrnoException): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CLI_OUTPUT',
    message: `The output cannot be written: ${cause.code ?? cause.message}.`,
    hint: 'Free space there, or write the output to another place. The command may have done its work already.',
    cause,
  });
}

function createCli(environment: CliEnvironment, signal: AbortSignal): Cli & { close(): Promise<void> } {
  const colour = process.stdout.isTTY && !environment.noColour;
  let client: Promise<ApiClient> | undefined;
  const note = (text: string): void => void process.stderr.write(text);
  return {
    write,
    note,
    colour,
    paint: colour ? colourPaint : plainPaint,
    interactive: process.stdout.isTTY,
    screen: () => ({ columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 }),
    nowMs: () => Date.now(),
    configPath: environment.configPath,
    api: () => (client ??= openClient(environment)),
    app: (flags) =>
      resolveApp(flags, { run, cwd: process.cwd(), env: environment.forPrograms, appFromEnvironment: environment.app }),
    run,
    cwd: process.cwd(),
    env: environment.forPrograms,
    stdin: () => process.stdin,
    console: () => processConsole(process, environment.terminalType),
    setExitCode: (code) => (process.exitCode = code),
    readSecret: (prompt) => readSecret(process.stdin, note, prompt),
    openEditor: (path) => openEditor(path, { command: environment.editor, env: definedOnly(process.env) }),
    readLine: (prompt) => readLine(process.stdin, process.stderr, prompt),
    signal,
    close: async () => (await client?.catch(() => undefined))?.close(),
  };
}

/** An editor needs the whole environment of the user. */
function definedOnly(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

async function openClient(environment: CliEnvironment): Promise<ApiClient> {
  // Loading the HTTP library takes most of the start-up time, so only commands that need it load it.
  const [{ createClient }, config] = await Promise.all([import('./client.ts'), readSettings(environment)]);
  return createClient(config);
}

async function main(): Promise<void> {
  endWhenOutputCannotBeWritten();
  const environment = readEnvironment(process.env);
  const interrupted = new AbortController();
  process.once('SIGINT', () => {
    interrupted.abort();
    process.exit(130);
  });
  const cli = createCli(environment, interrupted.signal);
  try {
    await runProgram(process.argv.slice(2), cli);
  } catch (error) {
    const paint = process.stderr.isTTY && !environment.noColour ? colourPaint : plainPaint;
    cli.note(process.argv.includes('--json') ? renderErrorJson(error) : renderError(error, paint));
    process.exitCode = exitCodeOf(error instanceof SlipwayError ? error : toSlipwayError(error));
  } finally {
    await cli.close();
  }
}

await main();
