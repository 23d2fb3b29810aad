import { describe, expect, it } from 'vitest';
import { pathOf, requestLineOf } from '../../src/core/request-line.js';

describe('the path of a request', () => {
  it.each<[string, object, string | undefined]>([
    ['of Node', { url: '/orders/7' }, '/orders/7'],
    ['without its query', { url: '/orders?code=secret' }, '/orders'],
    ['without its fragment', { url: '/orders#secret' }, '/orders'],
    ['without a query that has a URL', { url: '/orders?to=https://a.example/b' }, '/orders'],
    ['as the client of a mounted router sent it', { url: '/7', originalUrl: '/orders/7?x=1' }, '/orders/7'],
    ['of Fetch', new Request('https://user.example/orders/7?code=secret'), '/orders/7'],
    ['of a target with an origin', { url: 'http://name:secret@api.example/orders?x' }, '/orders'],
    ['of an origin alone', { url: 'http://api.example' }, '/'],
    ['of an origin with a query', { url: 'http://api.example?x=/secret' }, '/'],
    ['that has a URL in it', { url: '/to/https://a.example/b' }, '/to/https://a.example/b'],
    ['of the whole server', { url: '*' }, '*'],
    ['that is not there', { headers: {} }, undefined],
    ['that is empty', { url: '' }, undefined],
    ['that is no text', { url: 7 }, undefined],
    ['with line breaks', { url: '/a\r\nforged' }, '/a\\u{d}\\u{a}forged'],
    ['with what terminals follow', { url: '/\u001b[2J\u009b\u202e' }, '/\\u{1b}[2J\\u{9b}\\u{202e}'],
    ['with line separators', { url: '/\u2028\u2029' }, '/\\u{2028}\\u{2029}'],
    ['of the greatest length', { url: `/${'a'.repeat(199)}` }, `/${'a'.repeat(199)}`],
    ['that is longer', { url: `/${'a'.repeat(200)}` }, `/${'a'.repeat(199)}…`],
  ])('%s', (_, request, path) => {
    expect(pathOf(request)).toBe(path);
  });
});

describe('the request line', () => {
  it.each<[string, object, string | undefined]>([
    ['has the method and the path', { method: 'GET', url: '/orders?x' }, 'GET /orders'],
    ['has no method that is not there', { url: '/orders' }, '/orders'],
    ['is not there without a path', { method: 'GET' }, undefined],
    ['has a method of a bounded length', { method: 'A'.repeat(21), url: '/' }, `${'A'.repeat(20)}… /`],
    ['has no line break of a method', { method: 'GET\n', url: '/' }, 'GET\\u{a} /'],
  ])('%s', (_, request, line) => {
    expect(requestLineOf(request)).toBe(line);
  });
});
