import { mkdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { fetchRuntime, RUNTIME_PACKAGES } from './bundle/runtime.ts';

const USAGE = `Usage: node script/bundle.ts --out FOLDER [agent] [controller] [programs] [${RUNTIME_PACKAGES.join('] [')}]

Makes what a server gets, and nothing that is there already:
  agent              the agent as one program with its files beside it: slipway-agent-VERSION-BUILD.tar.gz, and agent.json about it
  node-linux-*, npm  the pinned packages of its runtime, as the registry has them, checked against script/node-runtime.json
  controller         the controller as a folder that runs where it lies, VERSION+BUILD, on processors like this one's; only when asked for
  programs           controller and agent of this checkout for its tests, which start them often; only when asked for
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

/** What bundles is loaded when it is needed: an installed controller fetches runtimes, and has no bundler. */
async function make(name: string, out: string): Promise<string> {
  if (name === 'agent') return (await import('./bundle/agent.ts')).bundleAgent(out);
  if (name === 'controller') return (await import('./bundle/controller.ts')).bundleController(out);
  if (name === 'programs') return (await import('./bundle/programs.ts')).bundlePrograms(out);
  return fetchRuntime(name, out);
}

await main();
