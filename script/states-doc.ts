/** Writes the state diagrams of shared/domain/states.ts into ARCHITECTURE.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderStates, replaceStates } from './states-diagram.ts';

const path = join(import.meta.dirname, '..', 'ARCHITECTURE.md');
writeFileSync(path, replaceStates(readFileSync(path, 'utf8'), renderStates()));
console.log('ARCHITECTURE.md: state diagrams written');
