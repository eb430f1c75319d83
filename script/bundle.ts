import { mkdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { fetchRuntime, RUNTIME_PACKAGES } from './bundle/runtime.ts';
import { bundleAgent } from './bundle/agent.ts';

const USAGE = `Usage: node script/bundle.ts --out FOLDER [agent] [${RUNTIME_PACKAGES.join('] [')}]

Makes what a server gets, and nothing that is there already:
  agent              the agent as one program with its files beside it: slipway-agent-VERSION-BUILD.tar.gz, and agent.json about it
  node-linux-*, npm  the pinned packages of its runtime, as the registry has them, checked against script/node-runtime.json
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { out: { type: 'string' }, help: { type: 'boolean' } },
  });
  const known: readonly string[] = ['agent', ...RUNTIME_PACKAGES];
  if (values.help === true || values.out === undefined || positionals.some((name) => !known.includes(name))) {
    process.stdout.write(USAGE);
    process.exitCode = values.help === true ? 0 : 2;
    return;
  }
  await mkdir(values.out, { recursive: true });
  for (const name of positionals.length === 0 ? known : positionals) {
    console.log(name === 'agent' ? await bundleAgent(values.out) : await fetchRuntime(name, values.out));
  }
}

await main();
