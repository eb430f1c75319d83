import { FakeSandbox, type FakeBehaviour } from '../../agent/sandbox/fake/driver.ts';
import type { SandboxSpec } from '../../agent/sandbox/port.ts';
import { sandboxContract } from './sandbox.ts';

// The fake reads its part from argv, so that the suite can play the same scenes with it.
const read = (spec: SandboxSpec): FakeBehaviour => JSON.parse(spec.argv[0] ?? '{}') as FakeBehaviour;
const behave = (behaviour: FakeBehaviour): Partial<SandboxSpec> => ({ argv: [JSON.stringify(behaviour)] });

sandboxContract('fake', {
  setUp: (sandbox) => {
    if (sandbox instanceof FakeSandbox) sandbox.behaviour = read;
  },
  stay: () => behave({}),
  exit: (exitCode) => behave({ exitAfterMs: 0, exitCode }),
  ignoreTerm: () => behave({ ignoreTerm: true }),
  listen: () => ({ ...behave({ listen: true }), port: 5000 }),
});
