/** `@landbridge/connector-testkit`: the contract test kit. */
export { type ContractCheck, contractChecks } from './contract-checks.ts';
export { type CheckResult, type ContractHarness, runContractChecks } from './run-contract-checks.ts';
