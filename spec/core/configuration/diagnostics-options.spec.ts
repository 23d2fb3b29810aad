import { expect, it } from 'vitest';
import { entra, parse } from './given-options.js';

it.each<[unknown, boolean | undefined, boolean]>([
  [undefined, undefined, false],
  [true, true, false],
  [false, false, false],
  [{}, undefined, false],
  [{ identifiers: true }, undefined, true],
  [{ identifiers: false, explanations: true }, true, false],
  [{ identifiers: undefined, explanations: undefined }, undefined, false],
])('reads %j as diagnostics', (diagnostics, explanations, identifiers) => {
  const settings = parse({ ...entra, diagnostics });
  expect([settings.diagnostics, settings.identifiers]).toEqual([explanations, identifiers]);
});
