import { mkdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { fetchRuntime, RUNTIME_PACKAGES } from './bundle/runtime.ts';

const USAGE = `Usage: node script/bundle.ts --out FOLDER [agent] [controller] [programs] [${RUNTIME_PACKAGES.join('] [')}]

Builds the files that a server gets. It skips files that exist already:
  agent              the agent and its files: slipway-agent-VERSION-BUILD.tar.gz, and agent.json, which describes it
  node-linux-*, npm  the packages of its runtime from the npm registry, checked against script/node-runtime.json
  controller         the controller as a folder VERSION+BUILD, for the processor type of this machine; only if named
  programs           controller, agent and CLI of this checkout, for its tests; only if named
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { out: { type: 'string' }, help: { type: 'boolean' } },
  });
  const usual: readonly string[] = ['agent', ...RUNTIME_PACKAGES];
  const known = [...usual, 'controller', 'programs'];
  if (values.help === true || values.out === undefined || positionals.some((name) => !known.includes(name))) {
    process.stdout.write(USAGE);
    process.exitCode = values.help === true ? 0 : 2;
    return;
  }
  await mkdir(values.out, { recursive: true });
  for (const name of positionals.length === 0 ? usual : positionals) console.log(await make(name, values.out));
}

/** The bundler is loaded only if it is needed, because an installed controller downloads runtimes and has no bundler. */
async function make(name: string, out: string): Promise<string> {
  if (name === 'agent') return (await import('./bundle/agent.ts')).bundleAgent(out);
  if (name === 'controller') return (await import('./bundle/controller.ts')).bundleController(out);
  if (name === 'programs') return (await import('./bundle/programs.ts')).bundlePrograms(out);
  return fetchRuntime(name, out);
}

await main();
