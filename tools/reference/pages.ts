import { adminOperations, documentSchema } from '../../apps/server/src/index.ts';
import { connector as sql } from '../../connectors/sql/src/index.ts';
import { type ConnectorContext, connectorErrors, type ErrorRow, type ParameterDefinition } from '../../packages/connector-sdk/src/index.ts';
import { cliPage } from './cli-page.ts';
import { schemaRows } from './json-schema-rows.ts';
import { code, page, table } from './markdown.ts';

/** The pages that are made: file → text. Another page is another row. */
export async function referencePages(): Promise<Readonly<Record<string, string>>> {
  return {
    'docs/reference/cli.md': cliPage(),
    'docs/reference/configuration.md': configurationPage(),
    'docs/reference/admin-api.md': adminPage(),
    'docs/reference/sql-parameters.md': await sqlPage(),
    'docs/reference/errors.md': errorsPage(),
  };
}

function configurationPage(): string {
  return page(
    'Configuration',
    'the JSON Schema of the document',
    'One document, YAML or JSON: `landbridge validate | diff | apply | export`. `NAME` stands for a name of yours, `[]` for each element of a list. Durations are `30s`, `5m`, `24h`, or seconds. Secrets stand in it by reference only: `${secret:NAME}` (the secret store of the host), `${env:NAME}`, `${file:PATH}`. Relative paths are relative to the file.',
    table(['place', 'value', 'required', 'meaning'], schemaRows(documentSchema)),
  );
}

function adminPage(): string {
  const pathOf = (path: string): string => `/admin/v1${path}`;
  return page(
    'Admin API',
    'the table that its routes are registered from',
    'It is on the port of the host, and needs the token of an administrator: `Authorization: Bearer …`, from `admin-token` in the data folder or `landbridge token create --admin`. Bodies are JSON, configurations YAML or JSON. An error is `{"error": {"code", "message", "hint"}}`. `limit` is at most 1000. A running host gives the OpenAPI 3.1 document at `/admin/v1/openapi.json`.',
    table(
      ['request', 'operation', 'meaning'],
      adminOperations.map((operation) => [code(`${operation.method} ${pathOf(operation.path)}`), code(operation.id), operation.summary]),
    ),
    'Beside it: `GET /health/live`, `GET /health/ready` (open), `GET /metrics` (a token of `landbridge token create --metrics`), `POST /oauth2/token` (client credentials).',
  );
}

const PAGES = ['capabilities', 'connectivity', 'schema', 'global', 'partition', 'run-step'] as const;

async function sqlPage(): Promise<string> {
  const quiet = (): void => {};
  const context: ConnectorContext = { connector: 'reference', parameters: {}, folder: '', log: { debug: quiet, info: quiet, warn: quiet, error: quiet } };
  const all: ParameterDefinition[] = [];
  for (const one of PAGES) all.push(...(await sql.parameters(one, 1, context)));
  const parameters = all.filter((one) => one.kind !== 'label' && one.kind !== 'divider');
  const structures = parameters.filter((one) => one.schema !== undefined);
  return page(
    'Parameters of the SQL connector',
    'the definitions of its parameters',
    table(
      ['parameter', 'value', 'required', 'meaning'],
      parameters.map((one) => [
        code(one.name),
        one.choices === undefined ? one.kind : one.choices.map(code).join(', '),
        one.required === true ? 'yes' : '',
        `${one.description ?? one.label ?? ''}${one.default === undefined ? '' : ` (default ${String(one.default)})`}`,
      ]),
    ),
    ...structures.flatMap((one) => [`## ${one.name}`, table(['place', 'value', 'required', 'meaning'], schemaRows(one.schema ?? {}, one.name))]),
  );
}

const CLASSES: Readonly<Record<ErrorRow['class'], string>> = {
  skip: 'this entry fails, the others go on',
  retry: 'nothing was applied, and it may succeed later; thrown in the middle of an export it proves nothing, and is settled like `doubt`',
  stop: 'the session or run ends; thrown in the middle of an export it is settled like `doubt`',
  doubt: 'nobody knows whether it was applied; settled by looking at the application',
};

function errorsPage(): string {
  const rows: readonly (readonly [string, ErrorRow])[] = Object.entries(connectorErrors);
  return page(
    'Errors',
    'the table of errors of the connector contract',
    'What a connector reports, what the host does then, and what a SCIM client is answered. The message of an answer says what was wrong; addresses and statements are in the log only.',
    table(
      ['class', 'what the host does'],
      Object.entries(CLASSES).map(([name, text]) => [code(name), text]),
    ),
    table(
      ['code', 'meaning', 'class', 'SCIM status', 'scimType', 'ECMA2'],
      rows.map(([name, row]) => [code(name), row.meaning, row.class, String(row.status), code(row.scimType ?? ''), row.ecma2.map(code).join(', ')]),
    ),
    'Before a connector is asked: 401 without a valid token · 404 for what there is not, or what the token does not open · 403 for what the credential or the mode of the connector does not allow · 412 when the version of `If-Match` is another · 429 with Retry-After above a limit, or while deletes are held · 503 with Retry-After while a write is in doubt, a connector is not available, or the host stops. Exit codes of the command line are in [cli.md](cli.md).',
  );
}
