/** Brings the state diagrams of ARCHITECTURE.md in step with shared/domain/states.ts. `node script/states-doc.ts` rewrites them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderStates, replaceStates } from './states-diagram.ts';

const path = join(import.meta.dirname, '..', 'ARCHITECTURE.md');
writeFileSync(path, replaceStates(readFileSync(path, 'utf8'), renderStates()));
console.log('ARCHITECTURE.md: state diagrams written');
