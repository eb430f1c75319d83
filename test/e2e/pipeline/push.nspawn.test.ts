import { pushSuite } from './push-suite.ts';

pushSuite('nspawn');
