import type { FakeBehaviour } from '../../../agent/sandbox/fake/driver.ts';

/**
 * The command of a fake app says what it does:
 *   serve              answers on its port at once
 *   slow MS            answers after this time
 *   mute               runs but never answers
 *   exit CODE          ends before it answers
 *   crash-after MS     answers, and ends this time after each start
 *   work MS, fail MS   a command that succeeds or fails after this time
 */
export function sandboxBehaviour(command: string): FakeBehaviour {
  const [verb, number] = parse(command);
  if (verb === 'exit') return { exitAfterMs: 15, exitCode: number };
  if (verb === 'work' || verb === 'fail') return { exitAfterMs: number, exitCode: verb === 'work' ? 0 : 1 };
  if (verb === 'crash-after') return { exitAfterMs: number, exitCode: 1 };
  return {};
}

/** The time from its start to its first answer. Undefined: never. */
export function answersAfterMs(command: string): number | undefined {
  const [verb, number] = parse(command);
  if (['mute', 'exit', 'work', 'fail'].includes(verb)) return undefined;
  return verb === 'slow' ? number : 0;
}

function parse(command: string): readonly [string, number] {
  const [verb = '', number = '0'] = command.split(' ');
  return [verb, Number(number)];
}
