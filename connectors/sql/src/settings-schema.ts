/** The part of JSON Schema (draft 2020-12) that the structures of this connector use. */
export interface StructureSchema {
  readonly type: 'string' | 'integer' | 'boolean' | 'array' | 'object';
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly minLength?: number;
  readonly items?: StructureSchema;
  readonly minItems?: number;
  readonly properties?: Readonly<Record<string, StructureSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false | StructureSchema;
  readonly minProperties?: number;
}

const name: StructureSchema = { type: 'string', minLength: 1 };
const flag: StructureSchema = { type: 'boolean' };
const names: StructureSchema = { type: 'array', items: name, minItems: 1 };

function structure(properties: Readonly<Record<string, StructureSchema>>, required: readonly string[] = []): StructureSchema {
  return { type: 'object', properties, required, additionalProperties: false };
}

function mapOf(values: StructureSchema): StructureSchema {
  return { type: 'object', additionalProperties: values };
}

const column = structure({
  column: { ...name, description: 'The column; default is the name of the attribute' },
  type: { type: 'string', enum: ['string', 'integer', 'boolean', 'binary'] },
  unique: flag,
  required: flag,
  caseExact: { type: 'boolean', description: 'Values compare exactly; default is false, for anchors true' },
  direction: { type: 'string', enum: ['import-export', 'import-only', 'export-only'] },
  secret: flag,
  list: { type: 'string', enum: ['array', 'json'], description: 'Several values in one column' },
  time: {
    ...structure({
      format: { ...name, description: 'yyyy-MM-dd HH:mm:ss and the like; unix, unixMilliseconds' },
      zone: { ...name, description: 'The time zone of the clock of the application: Europe/Vienna' },
    }),
    description: 'The column holds times; the attribute has them in ISO 8601 and UTC',
  },
  empty: { type: 'string', enum: ['absent', 'kept'], description: 'Whether an empty text is a value; default is that it is' },
  maximumBytes: { type: 'integer', description: 'Bytes that a binary value may have; default is 1048576' },
});

const reference = structure({ column: name, columns: { ...names, description: 'In the order of the anchor of the target' }, objectType: name }, ['objectType']);

const operation = structure({
  statement: { ...name, description: 'One statement; :attribute stands for a value' },
  procedure: { ...name, description: 'A stored procedure' },
  function: { ...name, description: 'A function that returns a row' },
  schema: name,
  parameters: {
    type: 'array',
    description: 'In the order of the declaration',
    items: structure(
      { value: { ...name, description: 'An attribute, password, oldPassword, or new.ATTRIBUTE' }, direction: { type: 'string', enum: ['in', 'out', 'inout'] } },
      ['value'],
    ),
  },
  returns: { ...names, description: 'The attributes that the first row returned gives, in order' },
  when: { ...names, description: 'Only when one of these attributes changes' },
});
const operations: StructureSchema = { type: 'array', items: operation, minItems: 1 };

const multiValued = structure(
  {
    table: name,
    schema: name,
    key: { ...names, description: 'The columns that hold the anchor of the owner, in its order' },
    value: { ...name, description: 'The column with the value' },
    reference: structure({ columns: names, objectType: name }, ['columns', 'objectType']),
    where: { ...name, description: 'A condition in SQL: other rows are none of these values, and are left alone' },
    maximumBytes: { type: 'integer', description: 'Bytes that a binary value may have; default is 1048576' },
    write: {
      ...structure({ add: operations, remove: operations, clear: operations }),
      description: 'Steps for each value instead of generated statements; :value stands for it',
    },
    set: { type: 'object', description: 'Values of other columns of added rows; =today, =now' },
    single: { ...flag, description: 'The attribute has one value: of several rows the first one counts, and a change leaves one' },
    direction: { type: 'string', enum: ['import-export', 'import-only', 'export-only'] },
  },
  ['table', 'key'],
);

const delta = structure({
  watermarkColumn: { ...name, description: 'Rises with every change of a row: a time or a version' },
  deletedColumn: { ...name, description: 'Says that the row is deleted: a flag, or the time of deletion' },
  replication: { ...name, description: 'PostgreSQL: the slot of logical replication that tells of changes; made when it is not there' },
  changeTracking: { ...flag, description: 'SQL Server: what its change tracking tells' },
  changeLog: structure(
    {
      table: name,
      schema: name,
      sequence: { ...name, description: 'Rises with every change: an identity column' },
      key: { ...names, description: 'The columns that hold the anchor of the changed row, in its order' },
      operation: { ...name, description: 'The column that says what happened' },
      operations: mapOf({ type: 'string', enum: ['add', 'update', 'delete'] }),
    },
    ['table', 'sequence', 'key'],
  ),
});

const objectType = structure(
  {
    table: name,
    view: name,
    query: { ...name, description: 'A SELECT without a semicolon' },
    schema: name,
    writeTable: { ...name, description: 'The table that changes go to, where view or query is read' },
    anchor: { ...names, description: 'The columns that identify a row' },
    anchorAssigned: { type: 'boolean', description: 'The database assigns the anchor; default is what the catalogue says' },
    anchorGenerated: { type: 'string', enum: ['uuid'], description: 'The connector gives the anchor of each new row: a new UUID' },
    attributes: { ...mapOf(column), description: 'Default is every column' },
    otherColumns: { ...flag, description: 'Columns that attributes does not name are attributes too, as they are' },
    references: mapOf(reference),
    multiValued: mapOf(multiValued),
    delta,
    write: structure({ insert: operations, update: operations, delete: operations, setPassword: operations, changePassword: operations }),
    version: structure(
      { column: { ...name, description: 'Changes with every change of a row' }, increment: { type: 'boolean', description: 'Generated updates add one' } },
      ['column'],
    ),
  },
  ['anchor'],
);

/** JSON Schema of the parameter `objectTypes`: the one source of its documentation, its form and its check. */
export const objectTypesSchema: StructureSchema = { type: 'object', minProperties: 1, additionalProperties: objectType };

/** JSON Schema of the parameter `tls`. */
export const tlsSchema: StructureSchema = structure({
  mode: { type: 'string', enum: ['disable', 'require', 'verify-full'] },
  ca: { ...name, description: 'File with the certificates to trust, PEM' },
});

/** Where a value breaks a schema, and how. */
export interface StructureProblem {
  readonly path: string;
  readonly message: string;
}

/** Checks a value against a schema; an empty list is success. Paths are dotted: `objectTypes.person.table`. */
export function checkStructure(schema: StructureSchema, value: unknown, path: string): readonly StructureProblem[] {
  const wrong = describeMismatch(schema, value);
  if (wrong !== undefined) return [{ path, message: wrong }];
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? [] : value.flatMap((item, index) => checkStructure(items, item, `${path}[${index}]`));
  }
  return isObject(value) ? checkObject(schema, value, path) : [];
}

function checkObject(schema: StructureSchema, value: Readonly<Record<string, unknown>>, path: string): readonly StructureProblem[] {
  const problems: StructureProblem[] = [];
  const known = schema.properties ?? {};
  for (const key of schema.required ?? []) {
    if (value[key] === undefined) problems.push({ path: `${path}.${key}`, message: `"${key}" is missing` });
  }
  for (const [key, part] of Object.entries(value)) {
    // An object of which nothing is said holds anything.
    if (part === undefined || (schema.properties === undefined && schema.additionalProperties === undefined)) continue;
    const own = Object.hasOwn(known, key) ? known[key] : schema.additionalProperties;
    if (own !== false && own !== undefined) problems.push(...checkStructure(own, part, `${path}.${key}`));
    else problems.push({ path: `${path}.${key}`, message: `there is no "${key}" here; there are ${Object.keys(known).join(', ')}` });
  }
  return problems;
}

const WORDS: Readonly<Record<StructureSchema['type'], string>> = {
  string: 'a text',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a structure',
};

function describeMismatch(schema: StructureSchema, value: unknown): string | undefined {
  if (!hasType(schema.type, value)) return `write ${WORDS[schema.type]}`;
  if (schema.enum !== undefined && !schema.enum.includes(String(value))) return `write one of ${schema.enum.join(', ')}`;
  if (typeof value === 'string' && value.length < (schema.minLength ?? 0)) return 'must not be empty';
  if (Array.isArray(value) && value.length < (schema.minItems ?? 0)) return 'name at least one';
  if (isObject(value) && Object.keys(value).length < (schema.minProperties ?? 0)) return 'name at least one';
  return undefined;
}

function hasType(type: StructureSchema['type'], value: unknown): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isObject(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
