import { sandboxSurvival } from '../support/sandbox-survival.ts';

sandboxSurvival('process');
