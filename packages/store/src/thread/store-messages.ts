/** A command that is sent to a store thread. */
export interface StoreRequest {
  readonly id: number;
  readonly command: string;
  readonly values: readonly unknown[];
}

/** Its answer. */
export interface StoreResponse {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}
