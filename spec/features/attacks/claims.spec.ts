/** Attacks on the claims of a token, under a good signature. */
import type { Refusal } from '../../support/api.js';
import { claims, describeAttacks, issuer, seconds, token, written, type Row } from './target.js';

const times: readonly Row[] = [
  ['exp missing', token('malformed'), claims({ exp: undefined })],
  ['exp a text', token('malformed'), claims({ exp: String(seconds() + 3600) })],
  ['exp a fraction', token('malformed'), claims({ exp: seconds() + 3600.5 })],
  ['exp null', token('malformed'), claims({ exp: null })],
  ['exp true', token('malformed'), claims({ exp: true })],
  ['exp a list', token('malformed'), claims({ exp: [seconds() + 3600] })],
  [
    'exp 1e400, which is Infinity',
    token('malformed'),
    () => written(({ payload }) => ({ payload: payload.replace(/"exp":\d+/, '"exp":1e400') })),
  ],
  ['exp beyond whole numbers', token('malformed'), claims({ exp: Number.MAX_SAFE_INTEGER + 1 })],
  ['exp negative', token('expired'), claims({ exp: -1 })],
  ['exp 0', token('expired'), claims({ exp: 0 })],
  ['exp just past the tolerance', token('expired'), () => issuer.token({ exp: seconds() - 6 })],
  ['exp within the tolerance', 'accepted', () => issuer.token({ exp: seconds() - 2 })],
  ['nbf in the future', token('not_yet_valid'), () => issuer.token({ nbf: seconds() + 60 })],
  ['nbf in the far future', token('not_yet_valid'), claims({ nbf: Number.MAX_SAFE_INTEGER })],
  ['nbf a text', token('malformed'), claims({ nbf: '0' })],
  ['nbf a fraction', token('malformed'), claims({ nbf: 0.5 })],
  [
    'nbf -1e400',
    token('malformed'),
    () => written(({ payload }) => ({ payload: payload.replace(/"nbf":\d+/, '"nbf":-1e400') })),
  ],
  ['iat in the future', token('not_yet_valid'), () => issuer.token({ iat: seconds() + 60 })],
  ['iat a text', token('malformed'), claims({ iat: 'now' })],
  ['iat null', token('malformed'), claims({ iat: null })],
  ['nbf and iat within the tolerance', 'accepted', () => issuer.token({ nbf: seconds() + 3, iat: seconds() + 3 })],
];

const graph = '00000003-0000-0000-c000-000000000000';
const clientId = () => issuer.options.clientId;
const audiences: readonly Row[] = [
  ['aud missing', token('malformed'), claims({ aud: undefined })],
  ['aud a number', token('malformed'), claims({ aud: 1 })],
  ['aud null', token('malformed'), claims({ aud: null })],
  ['aud an empty list', token('malformed'), claims({ aud: [] })],
  ['aud a list with an object', token('malformed'), () => issuer.token({ aud: [clientId(), {}] })],
  ['aud empty', token('audience'), claims({ aud: '' })],
  ['aud of Microsoft Graph', token('audience'), claims({ aud: graph })],
  ['aud of Microsoft Graph by URL', token('audience'), claims({ aud: 'https://graph.microsoft.com' })],
  ['aud in upper case', token('audience'), () => issuer.token({ aud: clientId().toUpperCase() })],
  ['aud with something after it', token('audience'), () => issuer.token({ aud: `${clientId()}0` })],
  ['aud with something before it', token('audience'), () => issuer.token({ aud: `0${clientId()}` })],
  ['aud cut short', token('audience'), () => issuer.token({ aud: clientId().slice(0, -1) })],
  ['aud with white space', token('audience'), () => issuer.token({ aud: `${clientId()} ` })],
  ['aud with two slashes', token('audience'), () => issuer.token({ aud: `api://${clientId()}//` })],
  ['aud of another scheme', token('audience'), () => issuer.token({ aud: `https://${clientId()}` })],
  ['aud with a path', token('audience'), () => issuer.token({ aud: `api://${clientId()}/access_as_user` })],
  ['aud joined by a comma', token('audience'), () => issuer.token({ aud: `${graph},${clientId()}` })],
  ['aud a list without us', token('audience'), claims({ aud: [graph] })],
  ['aud a list with us', 'accepted', () => issuer.token({ aud: [graph, clientId()] })],
  ['aud in its URI form, with one slash', 'accepted', () => issuer.token({ aud: `api://${clientId()}/` })],
];

const ours = () => `${issuer.url}/${issuer.options.tenantId}/v2.0`;
const otherTenant = 'aaaaaaaa-0000-4000-8000-00000000000a';
const issuers: readonly Row[] = [
  ['iss missing', token('malformed'), claims({ iss: undefined })],
  ['iss a list', token('malformed'), () => issuer.token({ iss: [ours()] })],
  ['iss null', token('malformed'), claims({ iss: null })],
  ['iss empty', token('issuer'), claims({ iss: '' })],
  ['iss of a stranger', token('issuer'), claims({ iss: 'https://stranger.example/v2.0' })],
  [
    'iss of another tenant',
    token('issuer'),
    () => issuer.token({ iss: ours().replace(issuer.options.tenantId, otherTenant) }),
  ],
  ['iss with a slash too many', token('issuer'), () => issuer.token({ iss: `${ours()}/` })],
  ['iss in upper case', token('issuer'), () => issuer.token({ iss: ours().replace('/v2.0', '/V2.0') })],
  ['iss with a query', token('issuer'), () => issuer.token({ iss: `${ours()}?x=/v2.0` })],
  ['iss with user information', token('issuer'), () => issuer.token({ iss: ours().replace('//', '//x@') })],
  ['iss of https', token('issuer'), () => issuer.token({ iss: ours().replace('http:', 'https:') })],
  ['iss of the v1.0 form of a v2.0 issuer', token('issuer'), () => issuer.token({ iss: ours().replace('v2.0', '') })],
  [
    'iss of the template',
    token('issuer'),
    () => issuer.token({ iss: ours().replace(issuer.options.tenantId, '{tenantid}') }),
  ],
  ['iss of B2C', token('issuer'), () => issuer.token({ iss: `${issuer.url}/${issuer.b2cOptions.tenantId}/v2.0/` })],
  ['tid of another tenant', token('tenant'), claims({ tid: otherTenant })],
  ['tid no GUID', token('tenant'), claims({ tid: 'contoso.onmicrosoft.com' })],
  ['tid in upper case', token('tenant'), () => issuer.token({ tid: issuer.options.tenantId.toUpperCase() })],
  ['tid a list', token('tenant'), () => issuer.token({ tid: [issuer.options.tenantId] })],
  ['tid null', token('tenant'), claims({ tid: null })],
  ['tid empty', token('tenant'), claims({ tid: '' })],
  ['tid a second time in another case', token('tenant'), claims({ TID: otherTenant })],
  ['tid a second time in mixed case', token('tenant'), () => issuer.token({ Tid: issuer.options.tenantId })],
];

const kinds: readonly Row[] = [
  ['an ID token', token('token_type'), () => issuer.idToken()],
  ['an ID token with roles', token('token_type'), () => issuer.idToken({ roles: ['access_as_user'] })],
  ['an ID token without a nonce', token('token_type'), () => issuer.idToken({ nonce: undefined })],
  [
    'an ID token that names a client',
    token('token_type'),
    () => issuer.idToken({ azp: otherTenant, roles: ['access_as_user'] }),
  ],
  ['at_hash', token('token_type'), claims({ at_hash: 'x' })],
  ['c_hash', token('token_type'), claims({ c_hash: 'x' })],
  ['no client', token('token_type'), claims({ azp: undefined })],
  ['a blank client', token('token_type'), claims({ azp: '' })],
  ['a client of the wrong type', token('token_type'), claims({ azp: 1 })],
  ['an app token without roles', token('token_type'), () => issuer.appToken({ roles: undefined })],
  ['an app token with no role', token('token_type'), () => issuer.appToken({ roles: [] })],
  ['an app token whose role is a number', token('token_type'), () => issuer.appToken({ roles: [1] })],
  ['an app token whose role is empty', token('token_type'), () => issuer.appToken({ roles: [''] })],
  ['an app token whose roles are a text', token('token_type'), () => issuer.appToken({ roles: 'access_as_user' })],
  ["an agent's token with the scope /", token('token_type'), () => issuer.appToken({ scp: '/', roles: undefined })],
  ["an agent's token with an empty scope", token('token_type'), () => issuer.appToken({ scp: '', roles: undefined })],
  [
    "an agent's token with the scope / and the role",
    'accepted',
    () => issuer.appToken({ scp: '/', roles: ['access_as_user'] }),
  ],
];

const missing: Refusal = { insufficientScope: 'scope', scope: 'access_as_user' };
const scopes: readonly Row[] = [
  ['scp a list', token('token_type'), claims({ scp: ['access_as_user'] })],
  ['scp a number', token('token_type'), claims({ scp: 1 })],
  ['scp null', token('token_type'), claims({ scp: null })],
  ['scp an object', token('token_type'), claims({ scp: { access_as_user: true } })],
  ['scp blank', token('token_type'), claims({ scp: ' ' })],
  ['scp /, of a person', token('token_type'), claims({ scp: '/' })],
  ['scp in another case', missing, claims({ scp: 'Access_As_User' })],
  ['scp cut short', missing, claims({ scp: 'access_as' })],
  ['scp with something after it', missing, claims({ scp: 'access_as_user2' })],
  ['scp joined by a comma', missing, claims({ scp: 'read,access_as_user' })],
  ['scp joined by a tab', missing, claims({ scp: 'read\taccess_as_user' })],
  ['scp joined by a line break', missing, claims({ scp: 'read\naccess_as_user' })],
  ['scp joined by a no-break space', missing, claims({ scp: 'read\u00a0access_as_user' })],
  ['scp by its full name', missing, () => issuer.token({ scp: `api://${clientId()}/access_as_user` })],
  ['scp in the middle of others', 'accepted', claims({ scp: 'read access_as_user write' })],
  ['scope in place of scp', token('token_type'), claims({ scp: undefined, scope: 'access_as_user' })],
  ['a role of two words', missing, () => issuer.appToken({ roles: ['read access_as_user'] })],
  ['a role in another case', missing, () => issuer.appToken({ roles: ['ACCESS_AS_USER'] })],
];

const b2c = (overrides: object) => () => issuer.b2cToken({ ...overrides });
const policies: readonly Row[] = [
  ['a user flow', 'accepted', b2c({}), '/b2c'],
  ['a custom policy in acr', 'accepted', b2c({ tfp: undefined, acr: 'b2c_1a_signin' }), '/b2c'],
  ['a nonce in an access token', 'accepted', b2c({ nonce: 'x' }), '/b2c'],
  ['no policy', token('policy'), b2c({ tfp: undefined }), '/b2c'],
  ['a policy that is not configured', token('policy'), b2c({ tfp: 'B2C_1_password_reset' }), '/b2c'],
  ['a policy of the wrong type', token('policy'), b2c({ tfp: ['B2C_1_susi'] }), '/b2c'],
  ['tfp unknown, acr known', token('policy'), b2c({ tfp: 'B2C_1_other', acr: 'B2C_1_susi' }), '/b2c'],
  ['a policy that is a path', token('policy'), b2c({ tfp: '../B2C_1_susi' }), '/b2c'],
  ['a policy __proto__', token('policy'), b2c({ tfp: '__proto__' }), '/b2c'],
  ["a configured policy, not the route's", token('policy'), b2c({ tfp: 'B2C_1A_signin' }), '/b2c/susi'],
  ['a B2C ID token', token('token_type'), b2c({ scp: undefined, nonce: 'x', azp: undefined }), '/b2c'],
  [
    'iss without its slash',
    token('issuer'),
    () => issuer.b2cToken({ iss: `${issuer.url}/${issuer.b2cOptions.tenantId}/v2.0` }),
    '/b2c',
  ],
  ['tid of another tenant', token('tenant'), b2c({ tid: otherTenant }), '/b2c'],
  ['tid of its own tenant', 'accepted', () => issuer.b2cToken({ tid: issuer.b2cOptions.tenantId }), '/b2c'],
  ['an Entra token on a B2C route', token('policy'), claims({}), '/b2c'],
  ['an Entra token that names a policy', token('issuer'), claims({ tfp: 'B2C_1_susi' }), '/b2c'],
  ['a B2C token on an Entra route', token('issuer'), b2c({})],
];

describeAttacks({
  time: times,
  audience: audiences,
  'issuer and tenant': issuers,
  'kind of token': kinds,
  'scope and role': scopes,
  'B2C policy and scheme': policies,
});
