/** The reports on calls of other APIs, as text and as JSON. */
import type { EntraError } from './entra-errors.js';
import { label, mark, type Paint } from './report.js';
import type { SetUpItem } from './set-up.js';
import { escapedJson, escapedMembers, printable } from './values.js';

/** Numbers of Entra's errors, as text. */
export function entraErrorsText(errors: readonly EntraError[], paint: Paint): string {
  const texts = errors.map(({ code, known, meaning, remedy }) =>
    [paint(known ? 'red' : 'yellow', code), `${label('means')} ${meaning}`, `${label('change')} ${remedy}`].join('\n'),
  );
  return `${texts.join('\n')}\n`;
}

/** Numbers of Entra's errors, as JSON. */
export const entraErrorsJson = (errors: readonly EntraError[]): string => `${escapedJson({ errors })}\n`;

/** What is set up, line by line. */
export function setUpLines(items: readonly SetUpItem[], paint: Paint): readonly string[] {
  const width = Math.max(10, ...items.map(({ item }) => item.length));
  return items
    .map(escapedMembers)
    .map(({ item, status, found, remedy }) =>
      [
        `${mark(status, paint)}   ${item.padEnd(width)} ${found}`,
        ...(remedy === undefined ? [] : [`${label(status === 'fail' ? 'change' : 'note')} ${remedy}`]),
      ].join('\n'),
    );
}

export const faultsIn = (items: readonly SetUpItem[]): number => items.filter(({ status }) => status === 'fail').length;

/** What is set up, as text. */
export function setUpText(items: readonly SetUpItem[], origin: string, paint: Paint): string {
  const faults = faultsIn(items);
  const summary =
    faults === 0
      ? paint('green', 'Nothing is wrong, as far as it can be seen without a network.')
      : paint('red', `${String(faults)} of ${String(items.length)} parts are wrong.`);
  return [
    `Calls of other APIs, as configured by ${printable(origin)}.`,
    '',
    ...setUpLines(items, paint),
    '',
    summary,
    '',
  ].join('\n');
}

/** What is set up, as JSON. */
export const setUpJson = (downstream: readonly SetUpItem[], configuration: string): string =>
  `${escapedJson({ downstream, faults: faultsIn(downstream), configuration })}\n`;
