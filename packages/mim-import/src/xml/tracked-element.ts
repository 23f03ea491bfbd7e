import type { XmlElement } from './parse-xml.ts';

/**
 * Reading that keeps account: every element, attribute and text is either taken, or put aside with a reason, or left
 * over. What is left over goes into the report, so that nothing of a file is dropped in silence whatever it holds.
 */
export interface TrackedElement {
  readonly element: XmlElement;
  readonly name: string;
  /** Path from the root: `export-ma/ma-data/name`. */
  readonly path: string;
  /** Takes the text. */
  text(): string;
  /** Takes an attribute; `undefined` where there is none. */
  attribute(name: string, namespace?: string): string | undefined;
  /** Takes the first child of the name. */
  child(name: string, namespace?: string): TrackedElement | undefined;
  /** Takes all children of the name, in order. */
  all(name: string, namespace?: string): readonly TrackedElement[];
  /** Takes all children whatever their name, in order. */
  elements(): readonly TrackedElement[];
  /** The text of the first child of the name; `''` where it has none or is not there. */
  textOf(name: string): string;
  /** Puts the whole subtree aside. */
  setAside(kind: Aside['kind'], reason: string): void;
}

/** A subtree that was put aside on purpose. */
export interface Aside {
  /** `ignored`: state of the old system that means nothing here. `reported`: it has no counterpart and the report says what it was. */
  readonly kind: 'ignored' | 'reported';
  readonly path: string;
  readonly line: number;
  readonly reason: string;
}

/** Something that nobody took. Values are not shown: they may be secret. */
export interface LeftOver {
  /** `path`, `path/@attribute` or `path/text()`. */
  readonly path: string;
  readonly line: number;
  readonly count: number;
}

/** The account of one file. */
export interface Account {
  readonly root: TrackedElement;
  asides(): readonly Aside[];
  leftOver(): readonly LeftOver[];
}

/** Opens the account of a parsed file; the root counts as taken. */
export function openAccount(root: XmlElement): Account {
  const taken = new Set<XmlElement>([root]);
  const takenTexts = new Set<XmlElement>();
  const takenAttributes = new Map<XmlElement, Set<string>>();
  const aside = new Map<XmlElement, Aside>();
  const tracked = new Map<XmlElement, TrackedElement>();

  function track(element: XmlElement, path: string): TrackedElement {
    const known = tracked.get(element);
    if (known !== undefined) return known;
    const take = (child: XmlElement): TrackedElement => {
      taken.add(child);
      return track(child, `${path}/${child.name}`);
    };
    const matching = (name: string, namespace: string): readonly XmlElement[] =>
      element.children.filter((child) => child.name === name && child.namespace === namespace);
    const made: TrackedElement = {
      element,
      name: element.name,
      path,
      text() {
        takenTexts.add(element);
        return element.text;
      },
      attribute(name, namespace = '') {
        const found = element.attributes.find((attribute) => attribute.name === name && attribute.namespace === namespace);
        if (found === undefined) return undefined;
        const names = takenAttributes.get(element) ?? new Set<string>();
        takenAttributes.set(element, names.add(`${namespace} ${name}`));
        return found.value;
      },
      child(name, namespace = '') {
        const [first] = matching(name, namespace);
        return first === undefined ? undefined : take(first);
      },
      all: (name, namespace = '') => matching(name, namespace).map(take),
      elements: () => element.children.map(take),
      textOf(name) {
        return made.child(name)?.text() ?? '';
      },
      setAside(kind, reason) {
        taken.add(element);
        if (!aside.has(element)) aside.set(element, { kind, path, line: element.line, reason });
      },
    };
    tracked.set(element, made);
    return made;
  }

  return {
    root: track(root, root.name),
    asides: () => [...aside.values()],
    leftOver() {
      const found = new Map<string, { path: string; line: number; count: number }>();
      const add = (path: string, line: number): void => {
        const known = found.get(path);
        if (known === undefined) found.set(path, { path, line, count: 1 });
        else known.count += 1;
      };
      const visit = (element: XmlElement, path: string): void => {
        if (aside.has(element)) return;
        if (!taken.has(element)) return add(path, element.line);
        if (element.text !== '' && !takenTexts.has(element)) add(`${path}/text()`, element.line);
        for (const attribute of element.attributes)
          if (takenAttributes.get(element)?.has(`${attribute.namespace} ${attribute.name}`) !== true) add(`${path}/@${attribute.name}`, element.line);
        for (const child of element.children) visit(child, `${path}/${child.name}`);
      };
      visit(root, root.name);
      return [...found.values()];
    },
  };
}

/** A subtree as plain JSON, for what is kept and not understood: attributes as `@name`, text as `#text`, children in order. */
export type XmlJson = {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly children?: readonly XmlJson[];
};

export function toXmlJson(element: XmlElement): XmlJson {
  return {
    name: element.name,
    ...(element.attributes.length === 0 ? {} : { attributes: Object.fromEntries(element.attributes.map((attribute) => [attribute.name, attribute.value])) }),
    ...(element.text === '' ? {} : { text: element.text }),
    ...(element.children.length === 0 ? {} : { children: element.children.map(toXmlJson) }),
  };
}
