import type { KeyRotatedBody } from '../../shared/api/controller.ts';

export function renderRotation({ keyId, encrypted, keyFile }: KeyRotatedBody): string {
  return `The key of the config values is now ${keyId}. ${String(encrypted)} ${encrypted === 1 ? 'text was' : 'texts were'} encrypted again.
Back up the new ${keyFile} now, in another place than the database.
Backups of the database that are older than now still need the former key file. Keep it as long as you keep them.
`;
}
