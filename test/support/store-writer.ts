/** A child process that writes releases as fast as it can and says each version once it is acknowledged. */
import { openStore } from '../../controller/store/open-store.ts';
import { parseAppName } from '../../shared/domain/names.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { addApp, addUser, newRelease, TEST_KEYRING } from './store-fixtures.ts';

const [path = ''] = process.argv.slice(2);
const store = await openStore({ path, clock: systemClock, randomId, keyring: TEST_KEYRING });
const name = parseAppName('hello');
const app = (await store.appByName(name)) ?? (await addApp(store, (await addUser(store)).id));
process.stdout.write('ready\n');
for (;;) {
  const { version } = await store.createRelease(newRelease(app));
  await new Promise((resolve) => process.stdout.write(`${version}\n`, resolve));
}
