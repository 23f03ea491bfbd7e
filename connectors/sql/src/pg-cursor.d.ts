/** The part of `pg-cursor` that the connector uses; the package ships no types. */
declare module 'pg-cursor' {
  import type { Submittable } from 'pg';
  export default class Cursor implements Submittable {
    constructor(text: string, values?: unknown[], config?: { readonly rowMode?: 'array'; readonly types?: unknown });
    submit: Submittable['submit'];
    read(rows: number): Promise<unknown[]>;
    close(): Promise<void>;
  }
}
