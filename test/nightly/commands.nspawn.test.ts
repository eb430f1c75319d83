import { commandsSuite } from '../e2e/pipeline/commands-suite.ts';

commandsSuite('nspawn');
