import { Commands, type CommandsDeps } from '../../../agent/one-off/commands.ts';
import type { CommandRecord, CommandRecords } from '../../../agent/one-off/record.ts';
import { commandSpec } from '../../../agent/sandbox/dyno.ts';
import type { TaskId } from '../../../shared/domain/ids.ts';
import type { Trace } from './trace.ts';

type Given = Pick<
  CommandsDeps,
  | 'sandbox'
  | 'images'
  | 'logBook'
  | 'records'
  | 'clock'
  | 'random'
  | 'failpoint'
  | 'log'
  | 'output'
  | 'result'
  | 'ended'
>;

/** The commands of one agent. Each prints one line, and the lines of the platform are in the trace. */
export function createCommands(
  given: Given,
  { name, trace }: { readonly name: string; readonly trace: Trace },
): Commands {
  return new Commands({
    ...given,
    spec: commandSpec,
    logs: {
      write: (_appId, process, message) => {
        trace.say(name, `${process}: ${message}`);
        return Promise.resolve();
      },
    },
    readLog: ({ skipBytes, emit }) => {
      const text = 'output of the command\n'.slice(skipBytes);
      if (text !== '') emit(Buffer.from(text));
      return Promise.resolve();
    },
  });
}

/** Files that outlive an agent. */
export function commandRecordsIn(files: Map<TaskId, CommandRecord>): CommandRecords {
  return {
    load: () => Promise.resolve([...files.values()]),
    save: (record) => Promise.resolve(void files.set(record.taskId, record)),
    remove: (taskId) => Promise.resolve(void files.delete(taskId)),
  };
}
