// A token endpoint in this process: what it answers is about as long as Entra's answer, and no two are the same.
import { randomBytes, randomUUID } from 'node:crypto';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const header = encode({ typ: 'JWT', alg: 'RS256', kid: randomUUID() });
const signature = randomBytes(256).toString('base64url');

/** @returns the text of an answer with a token of a user that nobody else has */
export function tokenAnswer({ tenantId, clientId }) {
  const now = Math.floor(Date.now() / 1000);
  const [oid, sub] = [randomUUID(), randomUUID()];
  const claims = { iss: `https://login.microsoftonline.com/${tenantId}/v2.0`, iat: now, nbf: now, exp: now + 3600 };
  const user = {
    ...claims,
    oid,
    sub,
    tid: tenantId,
    name: 'Adele Vance',
    preferred_username: `${oid}@contoso.example`,
  };
  const ofGraph = { aio: randomBytes(60).toString('base64url'), rh: randomUUID(), uti: randomUUID(), scp: 'User.Read' };
  const jwt = (payload) => `${header}.${encode(payload)}.${signature}`;
  return JSON.stringify({
    token_type: 'Bearer',
    scope: 'https://graph.microsoft.com/User.Read',
    expires_in: 3600,
    ext_expires_in: 3600,
    access_token: jwt({ ...user, ...ofGraph, aud: 'https://graph.microsoft.com', puid: randomUUID() }),
    refresh_token: randomBytes(600).toString('base64url'),
    id_token: jwt({ ...user, aud: clientId, ver: '2.0' }),
    client_info: encode({ uid: oid, utid: tenantId }),
  });
}
