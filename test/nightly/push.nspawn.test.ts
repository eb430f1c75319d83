import { pushSuite } from '../e2e/pipeline/push-suite.ts';

pushSuite('nspawn');
