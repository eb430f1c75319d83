import { noteEvent } from '../../store/note-event.ts';
import type { ApiDeps } from '../deps.ts';
import { userRoute, type Route } from '../route.ts';

export function controllerRoutes({ configKeys, store, log }: ApiDeps): readonly Route[] {
  return [
    userRoute('rotateKey', {
      auth: 'admin',
      action: 'controller.manage',
      handle: async ({ user }) => {
        const rotation = await configKeys.rotate();
        const message = `The key of the config values in the database was replaced; ${String(rotation.encrypted)} texts were encrypted again.`;
        noteEvent({ store, log }, { kind: 'controller.key-rotated', actor: user.name, message });
        return rotation;
      },
    }),
  ];
}
