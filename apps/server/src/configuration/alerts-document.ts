/** The `alerts` part of the document, as written. */
export interface AlertsDocument {
  readonly webhook?: { readonly url: string; readonly authorization?: string; readonly ca?: string };
  readonly egress?: readonly string[];
}
