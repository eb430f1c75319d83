import { pushSuite } from '../e2e/pipeline/push-suite.ts';

const NOBODY = 65_534;

// An ordinary user is whom this driver is for.
pushSuite('process', process.getuid?.() === 0 ? NOBODY : undefined);
