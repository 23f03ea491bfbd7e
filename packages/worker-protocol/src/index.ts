/** `@landbridge/worker-protocol`: the host's side of the wire protocol, and a connector that lives behind it. */
export { defineWorkerConnector, type ParameterUse, type WorkerConnectorOptions } from './worker-connector.ts';
export { openWorker, type WorkerProcess, type WorkerProgram } from './worker-process.ts';
