/**
 * The database of the store does not take statements just now: it is down, restarts, or cannot be reached. Nothing is wrong with
 * what it holds, and the same command may succeed later.
 */
export class StoreUnavailableError extends Error {
  override readonly name: string = 'StoreUnavailableError';
}

/** Somebody else owns the connector, or has taken it over: nothing of this host's is written any more (R34). */
export class StoreOwnerError extends StoreUnavailableError {
  override readonly name = 'StoreOwnerError';
}

const KINDS: Readonly<Record<string, new (message: string) => Error>> = { StoreUnavailableError, StoreOwnerError };

/** An error as it crosses threads: classes do not. */
export interface StoreFailure {
  readonly name: string;
  readonly message: string;
}

/** What of an error crosses threads. */
export function toFailure(error: unknown): StoreFailure {
  return error instanceof Error ? { name: error.name, message: error.message } : { name: 'Error', message: String(error) };
}

/** The error at the other side. */
export function fromFailure({ name, message }: StoreFailure): Error {
  return new (KINDS[name] ?? Error)(message);
}
