import { describeAccounts, type NearMiss, type Row } from './api.js';
import {
  byIssuer,
  byKey,
  byTenant,
  clientId,
  consumers,
  customHost,
  external,
  externalIssuer,
  fabrikam,
  global,
  held,
  key,
  otherTenant,
  template,
  tenant,
  v2Claims,
  v2Documents,
} from './microsoft.js';

const rows: readonly Row[] = [
  ...(
    [
      ['the host, and the tenant beside it', { tenantId: tenant, instance: fabrikam }, tenant],
      ['the host with the tenant as its path', { instance: `${fabrikam}/${tenant}` }, tenant],
      [
        "the host with the tenant's domain as its path",
        { instance: `${fabrikam}/fabrikam.onmicrosoft.com/` },
        'fabrikam.onmicrosoft.com',
      ],
      [
        "the tenant, and the host with the tenant's domain as its path",
        { tenantId: tenant, instance: `${fabrikam}/fabrikam.onmicrosoft.com` },
        'fabrikam.onmicrosoft.com',
      ],
      ['the host alone', { instance: fabrikam }, 'fabrikam.onmicrosoft.com'],
    ] as const
  ).map(([account, options, path]): Row => ({
    account: `External ID by ${account}`,
    options: { ...options, clientId },
    documents: external(path),
    claims: v2Claims(externalIssuer),
    nearMisses: [
      ["whose issuer is on the tenant's name", { claims: { iss: `${fabrikam}/${tenant}/v2.0` } }, byIssuer],
      ['whose issuer is that of a workforce tenant', { claims: { iss: `${global}/${tenant}/v2.0` } }, byIssuer],
      [
        'of another tenant',
        { claims: { iss: `https://${otherTenant}.ciamlogin.com/${otherTenant}/v2.0`, tid: otherTenant } },
        byIssuer,
      ],
      ['that says it is of another tenant', { claims: { tid: otherTenant } }, byTenant],
      [
        'of a key that speaks for another tenant',
        { documents: external(path, `${global}/${otherTenant}/v2.0`) },
        byKey,
      ],
      [
        'of a key that speaks for personal accounts',
        { documents: external(path, `${global}/${consumers}/v2.0`) },
        byKey,
      ],
    ],
  })),
  {
    account: 'External ID by the host that names the tenant',
    options: { clientId, instance: `https://${tenant}.ciamlogin.com` },
    documents: external(tenant, template, `https://${tenant}.ciamlogin.com`),
    claims: v2Claims(externalIssuer),
  },
  {
    account: 'External ID whose keys name the tenant, on the hosts of the workforce',
    options: { tenantId: tenant, clientId, instance: fabrikam },
    documents: external(tenant, `${global}/${tenant}/v2.0`),
    claims: v2Claims(externalIssuer),
  },
  {
    account: 'External ID on a custom URL domain, its keys on ciamlogin.com',
    options: { tenantId: tenant, clientId, instance: customHost },
    documents: v2Documents(`${customHost}/${tenant}`, {
      issuer: externalIssuer,
      keys: [held(key, { issuer: template })],
      jwksUri: `${fabrikam}/${tenant}/discovery/v2.0/keys`,
    }),
    claims: v2Claims(externalIssuer),
    nearMisses: [
      ['whose issuer is the custom domain', { claims: { iss: `${customHost}/${tenant}/v2.0` } }, byIssuer],
      ...(
        [
          'https://keys.example/keys',
          `https://ciamlogin.com.example/${tenant}/keys`,
          `https://fakeciamlogin.com/${tenant}/keys`,
          `https://fabrikam.ciamlogin.com:8443/${tenant}/keys`,
          `http://fabrikam.ciamlogin.com/${tenant}/keys`,
        ] as const
      ).map((jwksUri): NearMiss => [
        `while the metadata finds its keys at ${jwksUri}`,
        { documents: v2Documents(`${customHost}/${tenant}`, { issuer: externalIssuer, keys: [held(key)], jwksUri }) },
        'issuer_unavailable',
      ]),
      [
        'while the metadata names the issuer of another tenant',
        {
          documents: v2Documents(`${customHost}/${tenant}`, {
            issuer: `https://${otherTenant}.ciamlogin.com/${otherTenant}/v2.0`,
            keys: [held(key)],
          }),
        },
        'issuer_unavailable',
      ],
    ],
  },
];

describeAccounts(rows);
