/** A child process that opens the state folder as the controller does, and rotates the key. A failpoint can kill it. */
import { createFailpoint } from '../../shared/kit/failpoint.ts';
import { openConfigState } from './config-state.ts';

const [dir = ''] = process.argv.slice(2);
await using state = await openConfigState(dir, { failpoint: createFailpoint(process.env) });
await state.keys.rotate();
