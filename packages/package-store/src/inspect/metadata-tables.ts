/** The metadata tables of ECMA-335 (6th edition, II.22) as data: what the columns of each table are. */

/** `2`, `4`: integers of that many bytes; `S`, `G`, `B`: heap indexes; a number in a box: a row of that table; a name: a coded index. */
export type Column = 2 | 4 | 'S' | 'G' | 'B' | readonly [number] | CodedIndex;

export type CodedIndex = keyof typeof codedIndexes;

/** Coded indexes (II.24.2.6): how many bits tag the table, and which tables. */
export const codedIndexes = {
  TypeDefOrRef: [0x02, 0x01, 0x1b],
  HasConstant: [0x04, 0x08, 0x17],
  HasCustomAttribute: [0x06, 0x04, 0x01, 0x02, 0x08, 0x09, 0x0a, 0x00, 0x0e, 0x17, 0x14, 0x11, 0x1a, 0x1b, 0x20, 0x23, 0x26, 0x27, 0x28, 0x2a, 0x2c, 0x2b],
  HasFieldMarshal: [0x04, 0x08],
  HasDeclSecurity: [0x02, 0x06, 0x20],
  MemberRefParent: [0x02, 0x01, 0x1a, 0x06, 0x1b],
  HasSemantics: [0x14, 0x17],
  MethodDefOrRef: [0x06, 0x0a],
  MemberForwarded: [0x04, 0x06],
  Implementation: [0x26, 0x23, 0x27],
  CustomAttributeType: [-1, -1, 0x06, 0x0a, -1],
  ResolutionScope: [0x00, 0x1a, 0x23, 0x01],
  TypeOrMethodDef: [0x02, 0x06],
} as const;

/** How many low bits of a coded index say which table it means. */
export function tagBits(index: CodedIndex): number {
  return Math.ceil(Math.log2(codedIndexes[index].length));
}

export const table = {
  typeRef: 0x01,
  typeDef: 0x02,
  methodDef: 0x06,
  interfaceImpl: 0x09,
  memberRef: 0x0a,
  customAttribute: 0x0c,
  moduleRef: 0x1a,
  implMap: 0x1c,
  assembly: 0x20,
  assemblyRef: 0x23,
} as const;

export const tableColumns: readonly (readonly Column[])[] = [
  [2, 'S', 'G', 'G', 'G'],
  ['ResolutionScope', 'S', 'S'],
  [4, 'S', 'S', 'TypeDefOrRef', [0x04], [0x06]],
  [[0x04]],
  [2, 'S', 'B'],
  [[0x06]],
  [4, 2, 2, 'S', 'B', [0x08]],
  [[0x08]],
  [2, 2, 'S'],
  [[0x02], 'TypeDefOrRef'],
  ['MemberRefParent', 'S', 'B'],
  [2, 'HasConstant', 'B'],
  ['HasCustomAttribute', 'CustomAttributeType', 'B'],
  ['HasFieldMarshal', 'B'],
  [2, 'HasDeclSecurity', 'B'],
  [2, 4, [0x02]],
  [4, [0x04]],
  ['B'],
  [[0x02], [0x14]],
  [[0x14]],
  [2, 'S', 'TypeDefOrRef'],
  [[0x02], [0x17]],
  [[0x17]],
  [2, 'S', 'B'],
  [2, [0x06], 'HasSemantics'],
  [[0x02], 'MethodDefOrRef', 'MethodDefOrRef'],
  ['S'],
  ['B'],
  [2, 'MemberForwarded', 'S', [0x1a]],
  [4, [0x04]],
  [4, 4],
  [4],
  [4, 2, 2, 2, 2, 4, 'B', 'S', 'S'],
  [4],
  [4, 4, 4],
  [2, 2, 2, 2, 4, 'B', 'S', 'S', 'B'],
  [4, [0x23]],
  [4, 4, 4, [0x23]],
  [4, 'S', 'B'],
  [4, 4, 'S', 'S', 'Implementation'],
  [4, 4, 'S', 'Implementation'],
  [[0x02], [0x02]],
  [2, 2, 'TypeOrMethodDef', 'S'],
  ['MethodDefOrRef', 'B'],
  [[0x2a], 'TypeDefOrRef'],
];
