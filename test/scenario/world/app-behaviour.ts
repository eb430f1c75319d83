import type { FakeBehaviour } from '../../../agent/sandbox/fake/driver.ts';

/**
 * What a fake app does is its command:
 *   serve              answers on its port at once
 *   slow MS            answers after so long
 *   mute               runs and never answers
 *   exit CODE          ends before it answers
 *   crash-after MS     answers, and ends so long after each start
 */
export function sandboxBehaviour(command: string): FakeBehaviour {
  const [verb, number] = parse(command);
  if (verb === 'exit') return { exitAfterMs: 15, exitCode: number };
  if (verb === 'crash-after') return { exitAfterMs: number, exitCode: 1 };
  return {};
}

/** How long after its start it answers; undefined: never. */
export function answersAfterMs(command: string): number | undefined {
  const [verb, number] = parse(command);
  if (verb === 'mute' || verb === 'exit') return undefined;
  return verb === 'slow' ? number : 0;
}

function parse(command: string): readonly [string, number] {
  const [verb = '', number = '0'] = command.split(' ');
  return [verb, Number(number)];
}
