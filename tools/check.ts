import { checkSteps, runSteps } from './steps.ts';

process.exitCode = runSteps(checkSteps) ? 0 : 1;
