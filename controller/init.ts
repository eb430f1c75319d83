import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseUserName } from '../shared/domain/names.ts';
import { ensureDir, readFileIfExists, writeFileAtomic } from '../shared/kit/atomic-file.ts';
import { systemClock } from '../shared/kit/clock.ts';
import { SlipwayError } from '../shared/kit/errors.ts';
import { parsePublicKey } from './access/ssh-keys.ts';
import { newApiToken } from './access/tokens.ts';
import { openStateDir } from './foundations.ts';
import type { ControllerConfig } from './config.ts';
import type { Store } from './store/port.ts';
import type { User } from './domain/users.ts';

export interface InitOptions {
  readonly admin: string;
  readonly keyFiles: readonly string[];
  /** Path of the CLI's settings file with a new token. An existing file stays unchanged. */
  readonly out: string;
}

/** Creates the first administrator. Each step that was done before is skipped, so it can run again. */
export async function initialise(config: ControllerConfig, options: InitOptions): Promise<void> {
  const { store, authority } = await openStateDir(config, systemClock);
  try {
    const name = parseUserName(options.admin);
    const user = (await store.userByName(name)) ?? (await store.createUser({ name, admin: true }));
    for (const file of options.keyFiles) await addKey(store, user, file);
    if ((await readFileIfExists(options.out)) !== undefined) return;
    const token = newApiToken();
    await store.addToken({ userId: user.id, secretHash: token.secretHash, description: `first token of ${name}` });
    const settings = {
      url: `https://${config.publicHost}:${String(config.api.port)}`,
      token: token.secret.reveal(),
      caPem: authority.caPem,
      pin: authority.pin,
    };
    await ensureDir(dirname(options.out), 0o700);
    await writeFileAtomic(options.out, `${JSON.stringify(settings, undefined, 2)}\n`, 0o600);
  } finally {
    await store.close();
  }
}

async function addKey(store: Store, user: User, file: string): Promise<void> {
  const key = parsePublicKey(await readFile(file, 'utf8'));
  const owner = await store.userByFingerprint(key.fingerprint);
  if (owner?.id === user.id) return;
  if (owner !== undefined) {
    throw new SlipwayError({
      code: 'SLIP_KEY_TAKEN',
      message: `The key in ${file} already belongs to ${owner.name}.`,
      hint: 'Use another key.',
    });
  }
  await store.addKey({ fingerprint: key.fingerprint, userId: user.id, publicKey: key.publicKey, comment: key.comment });
}
