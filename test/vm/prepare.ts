/** Makes and fetches what the tests of a virtual machine need; they have no network beyond that machine. */
import { mkdir } from 'node:fs/promises';
import { fetchRuntime, RUNTIME_PACKAGES } from '../../script/bundle/runtime.ts';
import { PROGRAMS_DIR } from '../support/fleet.ts';
import { ensureGuestImage } from './guest-image.ts';

await mkdir(PROGRAMS_DIR, { recursive: true });
const ours = RUNTIME_PACKAGES.filter((name) => !name.startsWith('node-') || name.endsWith(process.arch));
for (const name of ours) await fetchRuntime(name, PROGRAMS_DIR);
await ensureGuestImage(console.log);
