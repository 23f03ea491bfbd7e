import { code } from './markdown.ts';

/** The part of JSON Schema (draft 2020-12) that our schemas use. */
interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly oneOf?: readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | SchemaNode;
  readonly items?: SchemaNode;
}

/** A row for each place of a document: path, what goes there, whether it must be there, what it means. */
export function schemaRows(schema: object, path = ''): readonly (readonly string[])[] {
  return rowsOf(schema as SchemaNode, path, false);
}

function rowsOf(node: SchemaNode, path: string, required: boolean): readonly (readonly string[])[] {
  const own = path === '' ? [] : [[code(path), describeType(node), required ? 'yes' : '', node.description ?? '']];
  return [...own, ...childrenOf(node, path)];
}

function childrenOf(node: SchemaNode, path: string): readonly (readonly string[])[] {
  const below = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const rows = Object.entries(node.properties ?? {}).flatMap(([name, inner]) => rowsOf(inner, below(name), node.required?.includes(name) === true));
  const other = typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
  const named = other === undefined ? [] : rowsOf(other, below('NAME'), false);
  const items = node.items === undefined || isPlain(node.items) ? [] : childrenOf(node.items, `${path}[]`);
  // Of several forms, the ones with a structure of their own are shown below the place itself.
  const forms = [...(node.oneOf ?? []), ...(node.anyOf ?? [])].flatMap((form) => childrenOf(form, path));
  return [...rows, ...named, ...items, ...forms];
}

function isPlain(node: SchemaNode): boolean {
  return node.properties === undefined && node.oneOf === undefined && node.additionalProperties === undefined && node.items === undefined;
}

function describeType(node: SchemaNode): string {
  if (node.const !== undefined) return code(JSON.stringify(node.const));
  if (node.enum !== undefined) return node.enum.map((value) => code(String(value))).join(', ');
  const forms = [...(node.oneOf ?? []), ...(node.anyOf ?? [])];
  const described = [...new Set(forms.map(describeType))].filter((form) => form !== '').join(' or ');
  if (described !== '') return described;
  const type = typeof node.type === 'string' ? node.type : (node.type ?? []).join(' or ');
  if (type === 'array') return `list of ${node.items === undefined ? 'anything' : describeType(node.items)}`;
  const range =
    node.minimum === undefined && node.maximum === undefined
      ? ''
      : node.maximum === undefined
        ? ` ≥ ${node.minimum}`
        : ` ${node.minimum ?? ''}…${node.maximum}`;
  return `${type === 'object' ? (node.additionalProperties !== false && node.properties === undefined ? 'map' : 'object') : type}${range}`;
}
