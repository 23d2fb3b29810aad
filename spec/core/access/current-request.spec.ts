import { describe, expect, it } from 'vitest';
import { state, type VerifiedContext } from '../../../src/core/access/current-request.js';

const contextOf = (sub: string) =>
  ({ claims: { sub }, authority: undefined, requirement: undefined }) as unknown as VerifiedContext;

describe('the requests that passed', () => {
  it('are known with what was said last of them', () => {
    const request = {};
    expect(state.verified.get(request)).toBeUndefined();
    const [first, last] = [contextOf('first'), contextOf('last')];
    state.verified.set(request, first);
    expect(state.verified.get(request)).toBe(first);
    state.verified.set(request, last);
    expect(state.verified.get(request)).toBe(last);
  });

  it('may be frozen, and show nothing of it', () => {
    const request = Object.freeze({ url: '/' });
    state.verified.set(request, contextOf('frozen'));
    expect(state.verified.get(request)).toEqual(contextOf('frozen'));
    expect(Reflect.ownKeys(request)).toEqual(['url']);
  });

  it('do not pass it on to what is made of them', () => {
    const request = { url: '/' };
    state.verified.set(request, contextOf('original'));
    const derived = Object.create(request) as object;
    const copies = [{ ...request }, Object.assign({}, request), structuredClone(request), derived];
    for (const copy of [...copies, new Proxy(request, {})]) expect(state.verified.get(copy)).toBeUndefined();
  });

  it.each([undefined, null, 'GET /', 1, Symbol('request')])('are no %s', (value) => {
    expect(state.verified.get(value)).toBeUndefined();
  });
});
