import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import type { PackagePolicy } from '@landbridge/package-store';
import type { ConfigurationDocument } from '../configuration/parse-configuration.ts';
import { UnresolvedError } from '../configuration/parse-configuration.ts';

/** What the operator asks of packages: the keys are files, relative to the configuration. @throws UnresolvedError */
export function toPackagePolicy(document: ConfigurationDocument['packages'], folder: string): PackagePolicy {
  return {
    requireSignature: document?.requireSignature === true,
    keys: Object.entries(document?.keys ?? {}).map(([name, file]) => {
      const path = isAbsolute(file) ? file : resolve(folder, file);
      if (!existsSync(path)) throw new UnresolvedError(`packages.keys.${name}: the file ${path} does not exist`);
      return { name, pem: readFileSync(path, 'utf8') };
    }),
  };
}
