import { describe, expect, it } from 'vitest';
import { isLoopback, isSecure, parseUrl } from '../../src/core/url.js';

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

  it.each([
    ['longer than 512 characters', `https://login.contoso.com/${'a'.repeat(487)}`],
    ['not ASCII', 'https://login.contösö.com/'],
    ['with white space', ' https://login.contoso.com/'],
  ])('gives undefined for a URL that is %s', (_, value) => {
    expect(URL.canParse(value)).toBe(true);
    expect(parseUrl(value)).toBeUndefined();
  });

  it('parses a URL of 512 characters', () => {
    const url = `https://login.contoso.com/${'a'.repeat(486)}`;
    expect(url).toHaveLength(512);
    expect(parseUrl(url)?.href).toBe(url);
  });

  it('parses each text for itself, however often it is asked', () => {
    const [first, second] = ['https://first.example/', 'https://second.example/'];
    expect([first, first, 'none', second, first, 'none'].map((text) => parseUrl(text)?.href)).toEqual([
      first,
      first,
      undefined,
      second,
      first,
      undefined,
    ]);
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

describe('isSecure', () => {
  it.each([
    'https://login.example',
    'https://localhost',
    'http://localhost:8080',
    'http://127.0.0.1',
    'http://[::1]:1',
  ])('accepts %s', (url) => {
    expect(isSecure(new URL(url))).toBe(true);
  });

  it.each(['http://login.example', 'http://localhost.example', 'ftp://localhost', 'wss://login.example', 'data:,a'])(
    'refuses %s',
    (url) => {
      expect(isSecure(new URL(url))).toBe(false);
    },
  );
});
