/** Attacks on the request that carries a token. */
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { api, issuer, ran, useTarget } from './target.js';

useTarget();

/** Sends bytes as they are: what an HTTP client would not let through. */
function sendRaw(head: (token: string) => readonly string[]): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    void issuer.token().then((token) => {
      const { port } = new URL(api.url);
      const socket = connect(Number(port), '127.0.0.1');
      let text = '';
      socket.on('error', reject);
      socket.on('data', (chunk) => (text += chunk.toString('latin1')));
      socket.on('close', () => {
        resolve({ status: Number(text.split(' ')[1]), text });
      });
      const lines = ['GET /entra HTTP/1.1', 'Host: api', 'Connection: close', ...head(token), '', ''];
      // Not `end`: a Node server drops the answer to a client that has closed its half of the connection.
      socket.write(Buffer.from(lines.join('\r\n'), 'latin1'));
    }, reject);
  });
}

describe('credential smuggling', () => {
  const malformed = 'Bearer error="invalid_token", error_description="The access token is malformed."';
  const twice = 'Bearer error="invalid_request"';
  const rows: readonly [string, number, string | undefined, (token: string) => readonly string[]][] = [
    ['one header', 200, undefined, (t) => [`Authorization: Bearer ${t}`]],
    ['the scheme in another case', 200, undefined, (t) => [`AUTHORIZATION: bEARER ${t}`]],
    ['several spaces', 200, undefined, (t) => [`Authorization: Bearer    ${t}`]],
    ['white space around the value, which HTTP drops', 200, undefined, (t) => [`Authorization: \t Bearer ${t} \t`]],
    ['two headers', 400, twice, (t) => [`Authorization: Bearer ${t}`, `Authorization: Bearer ${t}`]],
    ['two headers in two cases', 400, twice, (t) => [`Authorization: Bearer ${t}`, 'AUTHORIZATION: Basic eA==']],
    ['an empty second header', 400, twice, (t) => [`Authorization: Bearer ${t}`, 'Authorization:']],
    ['no header', 401, 'Bearer', () => []],
    ['an empty header', 401, 'Bearer', () => ['Authorization:']],
    ['another scheme', 401, 'Bearer', (t) => [`Authorization: Basic ${t}`]],
    ['proof of possession', 401, 'Bearer', (t) => [`Authorization: PoP ${t}`]],
    ['a scheme that begins like ours', 401, 'Bearer', (t) => [`Authorization: BearerX ${t}`]],
    ['the token alone', 401, 'Bearer', (t) => [`Authorization: ${t}`]],
    ['the scheme alone', 401, malformed, () => ['Authorization: Bearer']],
    ['a tab for a space', 401, malformed, (t) => [`Authorization: Bearer\t${t}`]],
    ['a tab after the space', 401, malformed, (t) => [`Authorization: Bearer \t${t}`]],
    ['a no-break space', 401, malformed, (t) => [`Authorization: Bearer\u00a0${t}`]],
    ['two tokens, joined by a comma', 401, malformed, (t) => [`Authorization: Bearer ${t},${t}`]],
    ['two credentials, joined by a comma', 401, malformed, (t) => [`Authorization: Bearer ${t}, Bearer ${t}`]],
    ['two tokens', 401, malformed, (t) => [`Authorization: Bearer ${t} ${t}`]],
    ['the scheme twice', 401, malformed, (t) => [`Authorization: Bearer Bearer ${t}`]],
    ['quotes', 401, malformed, (t) => [`Authorization: Bearer "${t}"`]],
    ['a parameter', 401, malformed, (t) => [`Authorization: Bearer token="${t}"`]],
    ['a semicolon', 401, malformed, (t) => [`Authorization: Bearer ${t};`]],
    ['bytes above ASCII', 401, malformed, (t) => [`Authorization: Bearer ${t}\u00e9`]],
  ];

  const cases = rows.map(([name, status, ...rest]) => {
    const verb = status === 200 ? 'accepts' : 'refuses';
    return [`${verb} ${name}`, status, ...rest] as const;
  });

  it.each(cases)('%s', async (_, status, challenge, head) => {
    const answer = await sendRaw(head);
    expect(answer.status).toBe(status);
    const found = /^www-authenticate: (.*)$/im.exec(answer.text)?.[1]?.trim();
    expect(found).toBe(challenge);
    expect(ran).toBe(status === 200 ? 1 : 0);
  });
});
