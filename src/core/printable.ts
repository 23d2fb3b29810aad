/** Text of another's choice, for messages, events and terminals. */

/** Characters that a terminal obeys, that are not shown, or that change the direction or the line of a text. */
export const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** A text in which each unprintable character is escaped. A text that is escaped already stays the same. */
export function escaped(text: string): string {
  return text.replace(unprintable, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** A text, escaped, and cut off after a number of characters. */
export function printable(text: string, longest: number): string {
  const plain = escaped(text);
  return plain.length > longest ? `${plain.slice(0, longest)}…` : plain;
}
