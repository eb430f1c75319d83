/** Updates docs/errors.md: adds new codes, removes codes that are gone, and keeps the written texts. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codesInSource, renderDocument, UNWRITTEN } from './errors-catalogue.ts';

const root = join(import.meta.dirname, '..');
const path = join(root, 'docs/errors.md');
const codes = codesInSource(root);
const text = renderDocument(existsSync(path) ? readFileSync(path, 'utf8') : '# Errors\n', codes);
writeFileSync(path, text);
const open = text.split('\n').filter((line) => line.includes(UNWRITTEN));
console.log(`docs/errors.md: ${codes.length} codes, ${open.length} of them without a text`);
for (const line of open) console.log(`  ${line}`);
