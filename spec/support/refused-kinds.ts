/** Genuine tokens that are not what their route takes, by the code that explains them. */
import { anyOf, type Demand, type SchemeDemand } from '../../src/core/access/requirement.js';
import type { IdentityOptions } from '../../src/core/configuration/options.js';
import type { ExplanationCode } from '../../src/gate/explanation-hints.js';
import type { TestIssuer } from '../../src/testing.js';
import type { RefusalName } from './refusals.js';

interface Row {
  readonly when: string;
  readonly make: (issuer: TestIssuer) => Promise<string>;
  readonly reason: RefusalName;
  readonly code: ExplanationCode;
  readonly scheme?: SchemeDemand['kind'];
  readonly demands?: readonly Demand[];
  readonly options?: IdentityOptions;
}

const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad';
const other = '99999999-2222-4333-8444-555555555555';

const ofConsumers = (issuer: TestIssuer) => issuer.token({ iss: `${issuer.url}/${consumers}/v2.0`, tid: consumers });
const admin = [anyOf('role', ['Admin'])];

/** What B2C issues to a client that asks for its own client id as scope: an access token without `scp`. */
const forItsOwnId = (differs: object) => (issuer: TestIssuer) =>
  issuer.b2cToken({ azp: issuer.b2cOptions.clientId, scp: undefined, nonce: 'n', ...differs });

export const refusedKinds: readonly Row[] = [
  {
    when: 'of B2C for the own client id of the client',
    make: forItsOwnId({}),
    reason: 'token_type',
    code: 'b2c_client_token',
    scheme: 'b2c',
  },
  {
    when: 'of B2C for the own client id of the client, without a nonce and with its policy in acr',
    make: forItsOwnId({ nonce: undefined, tfp: undefined, acr: 'B2C_1_susi' }),
    reason: 'token_type',
    code: 'b2c_client_token',
    scheme: 'b2c',
  },
  {
    when: 'of B2C that is an ID token',
    make: forItsOwnId({ azp: undefined }),
    reason: 'token_type',
    code: 'id_token',
    scheme: 'b2c',
  },
  {
    when: 'of B2C that is an ID token beside an access token',
    make: forItsOwnId({ at_hash: 'h' }),
    reason: 'token_type',
    code: 'id_token',
    scheme: 'b2c',
  },
  {
    when: 'of B2C without a scope, of another client',
    make: forItsOwnId({ azp: other, nonce: undefined }),
    reason: 'token_type',
    code: 'no_permission',
    scheme: 'b2c',
  },
  {
    when: 'of Entra ID without a scope, of a client that is the API itself',
    make: (issuer) => issuer.token({ azp: issuer.options.clientId, scp: undefined }),
    reason: 'token_type',
    code: 'no_permission',
  },
  {
    when: 'of a person, with a role and without a scope',
    make: (issuer) => issuer.token({ roles: ['Admin'], scp: undefined }),
    reason: 'token_type',
    code: 'no_scope',
    demands: admin,
  },
  {
    when: 'of a person, with a role and a list as scp',
    make: (issuer) => issuer.token({ roles: ['Admin'], scp: ['access_as_user'] }),
    reason: 'token_type',
    code: 'token_type',
    demands: admin,
  },
  {
    when: 'with a text as roles, where a role is demanded',
    make: (issuer) => issuer.b2cToken({ roles: 'Admin' }),
    reason: 'role',
    code: 'roles_text',
    scheme: 'b2c',
    demands: admin,
  },
  {
    when: 'with a text as roles, and no scope',
    make: (issuer) => issuer.b2cToken({ roles: 'Admin', scp: undefined }),
    reason: 'token_type',
    code: 'roles_text',
    scheme: 'b2c',
  },
  {
    when: 'with an empty list of roles',
    make: (issuer) => issuer.b2cToken({ roles: [] }),
    reason: 'role',
    code: 'role_missing',
    scheme: 'b2c',
    demands: admin,
  },
  {
    when: 'of a personal account, where organizations may call',
    make: ofConsumers,
    reason: 'tenant',
    code: 'personal_account',
    options: { tenantId: 'organizations', allowedTenants: '*' },
  },
  {
    when: 'of a personal account, where organizations may call that a function allows',
    make: ofConsumers,
    reason: 'tenant',
    code: 'personal_account',
    options: { tenantId: 'organizations', allowedTenants: () => true },
  },
  {
    when: 'of a personal account that is not among the tenants of common',
    make: ofConsumers,
    reason: 'tenant',
    code: 'tenant',
    options: { tenantId: 'common', allowedTenants: [other] },
  },
];
