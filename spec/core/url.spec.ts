import { describe, expect, it } from 'vitest';
import { isLoopback, parseUrl } from '../../src/core/url.js';

describe('parseUrl', () => {
  it('parses a text that is a URL', () => {
    expect(parseUrl('https://login.contoso.com:8443/path')?.host).toBe('login.contoso.com:8443');
  });

  it.each([
    undefined,
    null,
    5,
    '',
    'login.contoso.com',
    '/path',
    ['https://login.contoso.com'],
    new URL('https://a.b'),
  ])('gives undefined for %j', (value) => {
    expect(parseUrl(value)).toBeUndefined();
  });
});

describe('isLoopback', () => {
  it.each(['localhost', '127.0.0.1', '127.255.1.2', '[::1]'])('accepts %s', (hostname) => {
    expect(isLoopback(hostname)).toBe(true);
  });

  it.each(['localhost.example', 'evillocalhost', '127.0.0.1.example', '10.0.0.1', '1127.0.0.1', '[::2]', ''])(
    'refuses %s',
    (hostname) => {
      expect(isLoopback(hostname)).toBe(false);
    },
  );
});
