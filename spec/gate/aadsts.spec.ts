import { expect, it } from 'vitest';
import { aadstsRemedy } from '../../src/gate/aadsts.js';

it.each([
  50013, 500131, 500133, 500011, 50076, 50079, 53003, 530032, 65001, 65004, 90002, 90094, 700016, 700027, 7000114,
  7000215, 7000222, 9010010, 90009, 650057, 50105, 501051, 70021,
])('explains AADSTS%i and names what to look at, in sentences', (code) => {
  const { meaning, remedy } = aadstsRemedy(code) ?? {};
  expect(meaning).toMatch(/^[A-Z].*\.$/);
  expect(remedy).toMatch(/^[A-Z].*\.$/);
});

it('knows nothing of another number', () => {
  expect(aadstsRemedy(1)).toBeUndefined();
});
