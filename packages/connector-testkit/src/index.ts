/** `@landbridge/connector-testkit`: the contract test kit, and the scripted connector that the engine's rules are tried on. */
export { contractChecks } from './contract-checks.ts';
export { type CheckResult, type ContractCheck, type ContractHarness, type ContractOptions, runContractChecks } from './run-contract-checks.ts';
export { samplePeople } from './sample-people.ts';
export {
  openScriptedApplication,
  type ScriptAction,
  type ScriptedApplication,
  type ScriptedCall,
  type ScriptedObject,
  type ScriptPoint,
} from './scripted/application.ts';
