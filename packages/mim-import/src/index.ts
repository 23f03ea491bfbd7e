/** `@landbridge/mim-import`: exported MIM management agents and Entra host configurations, read and converted. It does no I/O. */

export { convertMim, type MimConversion, type MimReport, type MimRules } from './convert-mim.ts';
export { MimImportError } from './import-error.ts';
export * from './model.ts';
export type { Note } from './read/notes.ts';
export { detectShapeOf, type MimReading, mergeReadings, readMim } from './read-mim.ts';
export type { SecretToSupply } from './write/ecma2-parameters.ts';
export type { PackageLocation } from './write/write-configuration.ts';
export type { Aside, LeftOver, XmlJson } from './xml/tracked-element.ts';
