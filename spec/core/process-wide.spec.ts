import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { processWide } from '../../src/core/process-wide.js';

describe('processWide', () => {
  it('creates a value for the first who asks, and gives it to all others', () => {
    const name = randomUUID();
    const create = vi.fn(() => new Set<string>());
    const first = processWide(name, create);
    expect(processWide(name, create)).toBe(first);
    expect(create).toHaveBeenCalledOnce();
  });

  it('gives a second copy of the module the same value', async () => {
    const name = randomUUID();
    vi.resetModules();
    const copy = await import('../../src/core/process-wide.js');
    expect(copy.processWide).not.toBe(processWide);
    expect(copy.processWide(name, () => new Set())).toBe(processWide(name, () => new Set()));
  });

  it('keeps the values of two names apart', () => {
    expect(processWide(randomUUID(), () => new Set())).not.toBe(processWide(randomUUID(), () => new Set()));
  });
});
