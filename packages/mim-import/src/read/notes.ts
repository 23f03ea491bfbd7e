/** What a person has to know or do about something of a file. */
export interface Note {
  /**
   * `decide`: the conversion chose, look at it. `no-counterpart`: a host does not do this; it is kept in the rules.
   * `warning`: something is odd in the file.
   */
  readonly kind: 'decide' | 'no-counterpart' | 'warning';
  /** What it is about, in the words of MIM. */
  readonly subject: string;
  readonly message: string;
}

/** Collects notes while a file is read; equal notes count once. */
export interface Notes {
  add(kind: Note['kind'], subject: string, message: string): void;
  list(): readonly Note[];
}

export function collectNotes(): Notes {
  const notes = new Map<string, Note>();
  return {
    add(kind, subject, message) {
      notes.set(JSON.stringify([kind, subject, message]), { kind, subject, message });
    },
    list: () => [...notes.values()],
  };
}
