/**
 * The meaning of each claim.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
 * @see https://learn.microsoft.com/entra/identity-platform/optional-claims-reference
 * @see https://learn.microsoft.com/azure/active-directory-b2c/tokens-overview
 */
const meanings: Readonly<Record<string, string>> = {
  aud: 'the API it is for',
  iss: 'who issued it',
  iat: 'issued',
  nbf: 'valid from',
  exp: 'valid until',
  auth_time: 'when the person signed in',
  scp: 'what the app may do for the person',
  roles: 'what the person, or an app without a person, may do',
  groups: 'the groups of the person',
  hasgroups: 'the person has more groups than fit',
  wids: 'directory roles of the person',
  acrs: 'how the person signed in; c1: with a second factor',
  amr: 'how the person signed in',
  oid: 'the person, the same for every API of the tenant',
  tid: 'the tenant',
  azp: 'the app that asked for it',
  azpacr: 'how that app proved who it is; 0: not at all, as a page cannot keep a secret',
  appid: 'the app that asked for it, in a v1.0 token',
  appidacr: 'how that app proved who it is, in a v1.0 token',
  idtyp: 'app: an app calls without a person',
  xms_cc: 'what that app can do; cp1: answer a claims challenge',
  tfp: 'the policy',
  acr: 'the policy; in a v1.0 token of Entra ID: how the person signed in',
  newUser: 'whether the person has just signed up',
  name: 'for display only',
  given_name: 'for display only',
  family_name: 'for display only',
  preferred_username: 'for display only',
  unique_name: 'for display only',
  upn: 'for display only',
  email: 'for display only',
  emails: 'for display only',
  acct: '1: a guest',
  idp: 'who signed the person in, where it was not the tenant itself',
  ipaddr: 'from where the person signed in',
  nonce: 'belongs to the request that asked for it',
  sid: 'the session of the sign-in',
  sub: 'the person, as this API knows them',
  jti: 'this token',
  uti: 'this token',
  aio: 'for Microsoft only',
  rh: 'for Microsoft only',
  ver: 'the version of the token',
};

/** The meaning of a claim, for any that a tenant adds as well. */
export function claimMeaning(name: string): string {
  if (name.startsWith('extension_') || name.startsWith('extn.')) return 'an attribute that your directory added';
  if (name.startsWith('xms_')) return meanings[name] ?? 'for Microsoft only';
  return meanings[name] ?? 'a claim that your tenant added';
}
