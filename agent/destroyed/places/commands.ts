import type { TaskId } from '../../../shared/domain/ids.ts';
import type { Commands } from '../../one-off/commands.ts';
import { byApp } from '../by-app.ts';
import type { Place } from '../port.ts';

/** Running commands, which are cancelled, and records of ended commands. */
export function commandsPlaces(
  commands: Pick<Commands, 'runningOf' | 'endedOf' | 'cancel' | 'forget'>,
): readonly Place[] {
  return [
    {
      name: 'command',
      means: 'event',
      look: async (apps) => byApp(apps, ({ appId }) => commands.runningOf(appId)),
      end: async (_app, left) => {
        for (const taskId of left) commands.cancel(taskId as TaskId);
      },
    },
    {
      name: 'result of a command',
      means: 'remove',
      look: async (apps) => byApp(apps, ({ appId }) => commands.endedOf(appId)),
      end: ({ appId }) => commands.forget(appId),
    },
  ];
}
