/** What the system says of a file, in words. */
const SENTENCES: Readonly<Record<string, (path: string) => string>> = {
  EACCES: (path) => `this account may not use ${path}; look at its owner and permissions, and those of the folders above it`,
  EPERM: (path) => `the system does not allow this account to change ${path}`,
  EROFS: (path) => `${path} is on a file system that can only be read`,
  ENOSPC: (path) => `there is no space left for ${path}`,
  EDQUOT: (path) => `the quota of this account leaves no space for ${path}`,
  ENOENT: (path) => `${path} does not exist`,
  EISDIR: (path) => `${path} is a folder; name a file`,
  ENOTDIR: (path) => `a part of ${path} is a file, not a folder`,
  EEXIST: (path) => `${path} is there already`,
  EMFILE: () => 'too many files are open; raise the limit of the account (ulimit -n)',
};

/** A sentence for an error of the file system; `undefined` for any other. */
export function explainFileError(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = '', syscall, path } = error as NodeJS.ErrnoException;
  if (syscall === undefined || (path === undefined && syscall !== 'read' && syscall !== 'write')) return undefined;
  return SENTENCES[code]?.(path ?? 'a file');
}
