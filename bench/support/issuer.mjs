// The issuer's own process: serves metadata and keys on loopback, and signs tokens into files, one a line.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { startTestIssuer } from '../../dist/esm/testing.js';
import { answer } from './child.mjs';

const daySeconds = 24 * 60 * 60;
const atOnce = 64;

let issuer;

/** What Entra puts into tokens beside what the test issuer does: real tokens are about as long as these. */
function usualClaims() {
  return {
    uti: randomUUID(),
    sid: randomUUID(),
    rh: `1.${randomUUID()}${randomUUID()}.`,
    aio: `${randomUUID()}${randomUUID()}${randomUUID()}`,
    name: 'Adele Vance',
    preferred_username: 'adele.vance@contoso.example',
    xms_ftd: randomUUID(),
    exp: Math.floor(Date.now() / 1000) + daySeconds,
  };
}

function sign(kind, index, names, others) {
  const claims = { ...usualClaims(), ...others };
  const name = names[index % names.length];
  if (kind === 'policy') return issuer.b2cToken({ ...claims, tfp: name });
  if (kind === 'tenant') return issuer.token({ ...claims, tid: name, iss: `${issuer.url}/${name}/v2.0` });
  return issuer.token(claims);
}

answer({
  async start(settings) {
    issuer = await startTestIssuer(settings);
    const { url, options, b2cOptions } = issuer;
    const issuerName = `${url}/${options.tenantId}/v2.0`;
    return {
      options,
      b2cOptions,
      ...issuer.downstreamOptions,
      issuer: issuerName,
      audience: options.clientId,
      jwksUri: `${url}/${options.tenantId}/discovery/v2.0/keys`,
      metadataUrl: `${issuerName}/.well-known/openid-configuration`,
    };
  },
  /** How many token requests there were so far. */
  tokenRequests: () => issuer.requests.tokens,
  /** Every token is another one. `names` are tenants or policies, taken in turn. `claims` are put into every token. */
  async writeTokens({ file, count, kind = 'plain', names = [''], claims = {} }) {
    const stream = createWriteStream(file);
    for (let start = 0; start < count; start += atOnce) {
      const size = Math.min(atOnce, count - start);
      const tokens = await Promise.all(
        Array.from({ length: size }, (_, index) => sign(kind, start + index, names, claims)),
      );
      if (!stream.write(`${tokens.join('\n')}\n`)) await once(stream, 'drain');
    }
    stream.end();
    await once(stream, 'finish');
  },
});
