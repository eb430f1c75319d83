import { upgradeSuite } from '../../support/upgrade-suite.ts';

upgradeSuite({ isWhole: false });
