/** `@landbridge/package-store`: connector packages, installed by content, versioned, and inspected without being run. */
export { type Grade, gradeTexts } from './inspect/framework.ts';
export type { Finding, FoundConnector, Inspection, MissingAssembly } from './inspect/inspect-package.ts';
export { PackageError } from './package-error.ts';
export { signDigest, type TrustedKey } from './package-signature.ts';
export {
  type AddOptions,
  type InstalledPackage,
  inspectSource,
  openPackageStore,
  type PackagePolicy,
  type PackageStore,
  type PackageVersion,
} from './package-store.ts';
