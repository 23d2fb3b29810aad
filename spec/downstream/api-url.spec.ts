/** Where a call may go. */
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../src/core/errors.js';
import { apiUrl, originOf } from '../../src/downstream/api-url.js';

const graph = { name: 'graph', baseUrl: 'https://graph.microsoft.com/v1.0' };
const inventory = { name: 'inventory', baseUrl: 'https://inventory.contoso.com' };
const local = { name: 'local', baseUrl: 'http://127.0.0.1:8080/api' };

describe('the URL of a call', () => {
  it.each([
    [graph, '/me', 'https://graph.microsoft.com/v1.0/me'],
    [graph, 'me', 'https://graph.microsoft.com/v1.0/me'],
    [graph, '', 'https://graph.microsoft.com/v1.0'],
    [graph, '/', 'https://graph.microsoft.com/v1.0/'],
    [graph, '?$top=1', 'https://graph.microsoft.com/v1.0?$top=1'],
    [graph, '#top', 'https://graph.microsoft.com/v1.0#top'],
    [graph, '/me/photo/$value', 'https://graph.microsoft.com/v1.0/me/photo/$value'],
    [graph, "/users('a@contoso.com')/messages", "https://graph.microsoft.com/v1.0/users('a@contoso.com')/messages"],
    [graph, '/me/drive/root:/a b.txt:/content', 'https://graph.microsoft.com/v1.0/me/drive/root:/a%20b.txt:/content'],
    [graph, '/me/drive/root:/a%2Fb', 'https://graph.microsoft.com/v1.0/me/drive/root:/a%2Fb'],
    [graph, '/things:batch', 'https://graph.microsoft.com/v1.0/things:batch'],
    [graph, '/a;b=c/d', 'https://graph.microsoft.com/v1.0/a;b=c/d'],
    [graph, '/a//b', 'https://graph.microsoft.com/v1.0/a//b'],
    [graph, '/me?next=https://x/../\\y', 'https://graph.microsoft.com/v1.0/me?next=https://x/../\\y'],
    [graph, '/...', 'https://graph.microsoft.com/v1.0/...'],
    [graph, '/100%25', 'https://graph.microsoft.com/v1.0/100%25'],
    [graph, '/caf%C3%A9%20%e2%82%ac', 'https://graph.microsoft.com/v1.0/caf%C3%A9%20%e2%82%ac'],
    [graph, '/.hidden/a..b', 'https://graph.microsoft.com/v1.0/.hidden/a..b'],
    [graph, '/@evil.example', 'https://graph.microsoft.com/v1.0/@evil.example'],
    [inventory, '/stock', 'https://inventory.contoso.com/stock'],
    [inventory, '@evil.example/stock', 'https://inventory.contoso.com/@evil.example/stock'],
    [inventory, '.evil.example', 'https://inventory.contoso.com/.evil.example'],
    [inventory, '', 'https://inventory.contoso.com/'],
    [inventory, '?a=1', 'https://inventory.contoso.com/?a=1'],
    [local, '/stock', 'http://127.0.0.1:8080/api/stock'],
  ])('of %o, %j is %s', (api, path, url) => {
    expect(apiUrl(api, path)).toBe(url);
  });

  it.each([
    '//evil.example/me',
    '///evil.example/me',
    '/ /evil.example',
    ' //evil.example',
    'https://evil.example/me',
    '/https://evil.example/me',
    'HTTPS:/evil.example',
    'https:evil',
    'https:\\\\evil.example',
    'javascript:alert(1)',
    'data:text/plain,a',
    'https://graph.microsoft.com/v1.0/me',
    '/\\evil.example',
    '\\\\evil.example',
    '\\/evil.example',
    '/me\\..\\..\\beta',
    '..',
    '/..',
    '/../beta/me',
    '/me/../../beta',
    '/me/../me',
    '/./me',
    '/%2e%2e/beta',
    '/%2E./beta',
    '/.%2e/beta',
    '/%252e%252e/beta',
    '/..%2fbeta',
    '/..%5cbeta',
    '/..%252fbeta',
    '/a%2f..%2f..%2fbeta',
    '/.%25%32%65/beta',
    '/%25%32%65%25%32%65/beta',
    '/..%25%32%66beta',
    '/%%32%65./beta',
    '/..%20/beta',
    '/%20../beta',
    '/.. /beta',
    '/..%2520;a/beta',
    '/me%25%30%61',
    `/%${'25'.repeat(50_000)}2e./beta`,
    '/..;/beta',
    '/..;a=b/beta',
    '/%2e%2e%3b/beta',
    '/..?a=1',
    '/..#a',
    '/\t/evil.example',
    'ht\ttps://evil.example',
    '/\n/evil.example',
    '/me\r\nHost: evil.example',
    '/me?a=1\n',
    '/me\0',
    '/me\x7f',
    '/me%00',
    '/me%0d%0aHost:%20evil.example',
    '/me%250a',
  ])('refuses %j', (path) => {
    for (const api of [graph, inventory, local]) {
      expect(() => apiUrl(api, path)).toThrow(ConfigurationError);
      expect(() => apiUrl(api, path)).toThrow(
        new RegExp(`^A path of the API ${api.name} must stay below its baseUrl: .*encodeURIComponent`),
      );
      expect(() => apiUrl(api, path)).not.toThrow(/evil|beta/);
    }
  });

  it.each([
    [new URL('https://graph.microsoft.com/v1.0/me')],
    [new Request('https://graph.microsoft.com/')],
    [undefined],
    [1],
    [null],
  ])('refuses %o, which is no string', (path) => {
    expect(() => apiUrl(graph, path)).toThrow(/graph takes a path below its baseUrl.*as a string/);
    expect(() => apiUrl(graph, path)).toThrow(ConfigurationError);
  });

  it('refuses any path of an API that has tokens only', () => {
    expect(() => apiUrl({ name: 'vault', baseUrl: undefined }, '/a')).toThrow(/vault has no baseUrl/);
  });

  it('never leaves the base, whatever is in front of and between two segments', () => {
    const parts = [
      '',
      '/',
      '\\',
      '.',
      '..',
      '%2e',
      '%2E%2e',
      '%2f',
      '%5c',
      ';',
      ':',
      '@',
      '?',
      '#',
      '\t',
      ' ',
      'a',
      'https:',
    ];
    for (const one of parts) {
      for (const two of parts) {
        for (const three of parts) {
          const path = `${one}${two}${three}evil.example/x`;
          let url: URL;
          try {
            url = new URL(apiUrl(graph, path));
          } catch (error) {
            expect(error, path).toBeInstanceOf(ConfigurationError);
            continue;
          }
          expect(url.origin, path).toBe('https://graph.microsoft.com');
          expect(url.pathname, path).toMatch(/^\/v1\.0(\/|$)/);
        }
      }
    }
  });
});

describe('the origin of a URL', () => {
  const origin = 'https://graph.microsoft.com';

  it.each([
    origin,
    `${origin}/`,
    `${origin}?a`,
    `${origin}#a`,
    `${origin}:443/v1.0/me`,
    'HTTPS://GRAPH.microsoft.com/v1.0',
    `${origin}/v1.0/users/J\u00fcrgen`,
    `${origin}/v1.0/users?$filter=${'a'.repeat(5000)}`,
    `${origin}/v1.0/a\\b?c@d`,
  ])('is found: %s', (url) => {
    expect(originOf(url)).toBe(origin);
  });

  it.each([
    ['https://graph.microsoft.com:444/', 'https://graph.microsoft.com:444'],
    ['http://graph.microsoft.com/', 'http://graph.microsoft.com'],
    ['https://graph.microsoft.com./', 'https://graph.microsoft.com.'],
    ['https://graph.microsoft.com.evil.example/', 'https://graph.microsoft.com.evil.example'],
  ])('is another one: %s', (url, other) => {
    expect(originOf(url)).toBe(other);
  });

  it.each([
    [`${origin}\\@evil.example/`],
    [`${origin}\\`],
    [`${origin}@evil.example/`],
    ['https://user:password@graph.microsoft.com/'],
    [`blob:${origin}/a`],
    ['https:\\\\graph.microsoft.com/'],
    ['https:graph.microsoft.com/'],
    ['https:///graph.microsoft.com/'],
    ['//graph.microsoft.com/'],
    [` ${origin}/`],
    ['ht\ttps://graph.microsoft.com/'],
    ['https://graph.microsoft.com\t/'],
    ['https://\uff47raph.microsoft.com/'],
    [`https://${'a'.repeat(600)}/`],
    [''],
    [undefined],
    [new URL(origin)],
  ])('is none where parsers may differ: %s', (url) => {
    expect(originOf(url)).toBeUndefined();
  });
});
