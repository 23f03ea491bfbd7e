/**
 * The admin API as data: the routes are registered from this table, and the OpenAPI document is made from it, so the two
 * cannot differ.
 */
export const adminOperations = [
  { id: 'openapi', method: 'GET', path: '/openapi.json', summary: 'This document' },
  { id: 'status', method: 'GET', path: '/status', summary: 'The host and its connectors' },
  { id: 'doctor', method: 'GET', path: '/doctor', summary: 'Checks of everything that makes a host fail' },
  { id: 'connectors', method: 'GET', path: '/connectors', summary: 'All connectors' },
  { id: 'connector', method: 'GET', path: '/connectors/{connector}', summary: 'One connector' },
  { id: 'test', method: 'POST', path: '/connectors/{connector}/test', summary: 'Layered connection test, a line of JSON for each layer' },
  { id: 'schema', method: 'GET', path: '/connectors/{connector}/schema', summary: 'Selected object types and attributes' },
  { id: 'space', method: 'GET', path: '/connectors/{connector}/space/{type}', summary: 'Entries of the connector space (limit, after)' },
  { id: 'startRun', method: 'POST', path: '/connectors/{connector}/runs', summary: 'Starts a run: {"profile": "full"}' },
  { id: 'runs', method: 'GET', path: '/connectors/{connector}/runs', summary: 'Run history (limit, before)' },
  { id: 'run', method: 'GET', path: '/connectors/{connector}/runs/{run}', summary: 'One run with its steps, counts and errors' },
  {
    id: 'runProgress',
    method: 'GET',
    path: '/connectors/{connector}/runs/{run}/progress',
    summary: 'Progress, a line of JSON at a time, then the run',
  },
  { id: 'cancelRun', method: 'POST', path: '/connectors/{connector}/runs/{run}/cancel', summary: 'Cancels a run' },
  { id: 'held', method: 'GET', path: '/connectors/{connector}/runs/{run}/held', summary: 'Removals that wait for approval (limit, after)' },
  {
    id: 'approveRun',
    method: 'POST',
    path: '/connectors/{connector}/runs/{run}/approve',
    summary: 'Approves held removals and makes them',
  },
  { id: 'rejectRun', method: 'POST', path: '/connectors/{connector}/runs/{run}/reject', summary: 'Rejects held removals' },
  { id: 'journal', method: 'GET', path: '/connectors/{connector}/journal', summary: 'Journal (state, limit, before)' },
  {
    id: 'shadow',
    method: 'GET',
    path: '/connectors/{connector}/shadow',
    summary: 'What mode shadow recorded, and how the application differs (verdict: waiting, same, different, not-compared; limit, before)',
  },
  {
    id: 'settle',
    method: 'POST',
    path: '/connectors/{connector}/journal/{id}/settle',
    summary: 'Settles a write in doubt: {"decision": "applied"}',
  },
  {
    id: 'linkIds',
    method: 'POST',
    path: '/connectors/{connector}/ids',
    summary: 'Links ids of another host to entries: {"ids": [{"id", "anchor", "objectType"}], "verify": true to change nothing}',
  },
  {
    id: 'approveWrites',
    method: 'POST',
    path: '/connectors/{connector}/journal/approve',
    summary: 'Sends held writes: {"writes": [17] or "all", "suspendMinutes"}',
  },
  { id: 'rejectWrites', method: 'POST', path: '/connectors/{connector}/journal/reject', summary: 'Drops held writes: {"writes": [17] or "all"}' },
  { id: 'events', method: 'GET', path: '/connectors/{connector}/events', summary: 'Event streams: how many events wait, and what keeps them' },
  { id: 'rotateEventKey', method: 'POST', path: '/events/rotate-key', summary: 'A new key signs security event tokens from now on' },
  { id: 'connectorAudit', method: 'GET', path: '/connectors/{connector}/audit', summary: 'Audit of writes (limit, before)' },
  {
    id: 'verifyConnectorAudit',
    method: 'GET',
    path: '/connectors/{connector}/audit/verify',
    summary: 'Whether rows of the audit of writes were changed, removed or inserted (noted: ROW:CODE)',
  },
  { id: 'backup', method: 'POST', path: '/connectors/{connector}/backup', summary: 'Copies the store of a connector: {"target": FILE}' },
  { id: 'backupAll', method: 'POST', path: '/backup', summary: 'Copies the state of the host into a new folder: {"target": FOLDER}' },
  {
    id: 'createToken',
    method: 'POST',
    path: '/tokens',
    summary:
      'Issues a token: {"connector", "client", "profile", "operations", "resourceTypes", "attributes", "me", "grant", "label", "days"}, {"admin": true} or {"metrics": true}',
  },
  { id: 'tokens', method: 'GET', path: '/tokens', summary: 'All tokens, without their secrets' },
  { id: 'revokeToken', method: 'DELETE', path: '/tokens/{id}', summary: 'Revokes a token at once' },
  { id: 'configuration', method: 'GET', path: '/configuration', summary: 'The configuration in force, as YAML' },
  { id: 'revisions', method: 'GET', path: '/configuration/revisions', summary: 'Revisions of the configuration: author, time, summary (limit)' },
  { id: 'revision', method: 'GET', path: '/configuration/revisions/{revision}', summary: 'One revision: its text, and its difference to the one before' },
  {
    id: 'rollback',
    method: 'POST',
    path: '/configuration/revisions/{revision}/rollback',
    summary: 'Makes an earlier revision the one in force, as a new revision',
  },
  { id: 'secrets', method: 'GET', path: '/secrets', summary: 'Names of secrets and what refers to them; never a value' },
  { id: 'setSecret', method: 'PUT', path: '/secrets/{name}', summary: 'Stores a secret: {"value"}; what refers to it is opened again' },
  { id: 'removeSecret', method: 'DELETE', path: '/secrets/{name}', summary: 'Removes a secret that nothing refers to' },
  { id: 'rotateSecrets', method: 'POST', path: '/secrets/rotate', summary: 'Seals every secret anew under new keys' },
  { id: 'validateConfiguration', method: 'POST', path: '/configuration/validate', summary: 'Checks a document (body: YAML or JSON)' },
  {
    id: 'diffConfiguration',
    method: 'POST',
    path: '/configuration/diff',
    summary: 'Differences between a document and the configuration in force',
  },
  {
    id: 'applyConfiguration',
    method: 'PUT',
    path: '/configuration',
    summary: 'Applies a document as a new revision (folder: what its relative paths are relative to)',
  },
  { id: 'packages', method: 'GET', path: '/packages', summary: 'Installed connector packages, their versions, and who uses them' },
  {
    id: 'addPackage',
    method: 'POST',
    path: '/packages',
    summary: 'Adds a package, or a version of one: {"source": FOLDER or ZIP, "name", "version", "dll", "signature"}',
  },
  {
    id: 'updatePackage',
    method: 'POST',
    path: '/packages/{package}/update',
    summary: 'Puts another version to use without stopping: {"source"} or {"version"}; stays with the old one on failure',
  },
  { id: 'rollBackPackage', method: 'POST', path: '/packages/{package}/rollback', summary: 'Goes back to the version before: {"version"}' },
  { id: 'removePackage', method: 'DELETE', path: '/packages/{package}', summary: 'Removes a package that nothing uses, or one version (version)' },
  { id: 'audit', method: 'GET', path: '/audit', summary: 'Audit of administration' },
  {
    id: 'verifyAudit',
    method: 'GET',
    path: '/audit/verify',
    summary: 'Whether rows of the audit of administration were changed, removed or inserted (noted: ROW:CODE)',
  },
  { id: 'shutdown', method: 'POST', path: '/shutdown', summary: 'Stops the host after draining writes' },
] as const satisfies readonly {
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly summary: string;
}[];

/** The OpenAPI 3.1 document of the admin API. */
export const openApiDocument = makeDocument();

function makeDocument(): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of adminOperations) {
    const path = `/admin/v1${operation.path}`;
    paths[path] ??= {};
    paths[path][operation.method.toLowerCase()] = {
      operationId: operation.id,
      summary: operation.summary,
      security: [{ bearer: [] }],
      parameters: [...operation.path.matchAll(/\{(\w+)\}/g)].map((match) => ({
        name: match[1],
        in: 'path',
        required: true,
        schema: { type: 'string' },
      })),
      responses: {
        '200': { description: 'Done' },
        default: { description: 'An error', content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } },
      },
    };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Landbridge admin API', version: '1' },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: {
        Error: {
          type: 'object',
          required: ['error'],
          properties: {
            error: {
              type: 'object',
              required: ['code', 'message'],
              properties: { code: { type: 'string' }, message: { type: 'string' }, hint: { type: 'string' } },
            },
          },
        },
      },
    },
    paths,
  };
}
