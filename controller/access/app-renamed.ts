import { SlipwayError } from '../../shared/kit/errors.ts';

/** For a caller who may use the app and still has its former name. */
export function appRenamed(former: string, name: string, command: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_APP_RENAMED',
    message: `The app ${former} was renamed to ${name}.`,
    hint: `Use its new name: ${command}`,
    httpStatus: 404,
  });
}
