import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Failure } from '../../../../controller/assignments/instance-failure.ts';
import { ReleaseCommand } from '../../../../controller/one-off/release-command.ts';
import { noFailpoint } from '../../../../shared/kit/failpoint.ts';
import { addApp, addUser, newRelease, openMemoryStore, slugOf } from '../../../support/store-fixtures.ts';

const SLUG = { ...slugOf('a'), processTypes: { release: 'migrate' }, scripts: { predeploy: 'assets' } };

/** Runs the phase of a deploy, in which these commands fail. */
async function phase(failing: readonly string[]): Promise<{ readonly ran: string[]; readonly failure?: Failure }> {
  const store = await openMemoryStore();
  const app = await addApp(store, (await addUser(store)).id);
  const release = await store.createRelease(newRelease(app, { slug: SLUG }));
  const ran: string[] = [];
  const run = (
    _app: unknown,
    _release: unknown,
    { step }: { step: { command: string } },
  ): Promise<Failure | undefined> => {
    ran.push(step.command);
    const failure = { code: 'SLIP_COMMAND_FAILED', message: `${step.command} failed` };
    return Promise.resolve(failing.includes(step.command) ? failure : undefined);
  };
  const io = { signal: new AbortController().signal, print: () => undefined, letMovesPass: () => Promise.resolve() };
  const failure = await new ReleaseCommand({ steps: { run }, failpoint: noFailpoint }).run(app, release, io);
  return failure === undefined ? { ran } : { ran, failure };
}

it('runs predeploy and then the release command', async () => {
  assert.deepEqual(await phase([]), { ran: ['assets', 'migrate'] });
});

it('fails with the first command that fails, and runs nothing after it', async () => {
  const { ran, failure } = await phase(['assets']);
  assert.deepEqual([ran, failure?.message], [['assets'], 'assets failed']);
});
