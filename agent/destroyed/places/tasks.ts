import type { TaskId } from '../../../shared/domain/ids.ts';
import type { Tasks } from '../../tasks/tasks.ts';
import { byApp } from '../by-app.ts';
import type { Place } from '../port.ts';

/** Running builds. The controller also cancels them, but not on a node that was away. */
export function tasksPlace(tasks: Pick<Tasks, 'runningOf' | 'cancel'>): Place {
  return {
    name: 'build',
    means: 'event',
    look: async (apps) => byApp(apps, ({ appId }) => tasks.runningOf(appId)),
    end: async (_app, left) => {
      for (const taskId of left) tasks.cancel(taskId as TaskId);
    },
  };
}
