import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openStore } from '../../controller/store/open-store.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { openMemoryStore, TEST_KEYRING } from '../support/store-fixtures.ts';
import { storeContract } from './store.ts';

const dir = await mkdtemp(join(tmpdir(), 'slipway-store-'));
after(() => rm(dir, { recursive: true }));

storeContract('sqlite in memory', openMemoryStore);
storeContract('sqlite in a file', () =>
  openStore({ path: join(dir, randomId(), 'slipway.db'), clock: systemClock, randomId, keyring: TEST_KEYRING }),
);
