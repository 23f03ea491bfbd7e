/** The smallest text above every text with the prefix, in the order of code points; `undefined` where there is none. */
export function nextPrefix(prefix: string): string | undefined {
  const points = [...prefix];
  while (points.length > 0) {
    const last = points.pop()?.codePointAt(0) ?? 0;
    if (last === 0x10ffff) continue;
    // The surrogates are no characters: after U+D7FF comes U+E000.
    return points.join('') + String.fromCodePoint(last === 0xd7ff ? 0xe000 : last + 1);
  }
  return undefined;
}
