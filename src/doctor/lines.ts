/** Text in lines of a width that every terminal has. */

const columns = 80;

/**
 * A text in lines, broken at spaces. A word that is longer than a line, such as a URL, stays whole.
 *
 * @param first - what the first line begins with; the others are indented by as much
 */
export function hanging(first: string, text: string): string {
  const indent = ' '.repeat(first.length);
  const lines = [first];
  let isEmpty = true;
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    const longer = isEmpty ? line + word : `${line} ${word}`;
    if (isEmpty || longer.length <= columns) lines[lines.length - 1] = longer;
    else lines.push(indent + word);
    isEmpty = false;
  }
  return lines.join('\n').trimEnd();
}
