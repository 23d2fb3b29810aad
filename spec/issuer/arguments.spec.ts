import { describe, expect, it } from 'vitest';
import { parseArguments, UsageError } from '../../src/issuer/arguments.js';

describe('parseArguments', () => {
  it.each<[string, string]>([
    ['now', "Unexpected argument 'now'"],
    ['--token=1', "'--token' does not take an argument"],
    ['--port 0', '--port takes a number from 1 to 65535.'],
    ['--port 65536', '--port takes a number from 1 to 65535.'],
    ['--port 1e3', '--port takes a number from 1 to 65535.'],
    ['--scope a', '--scope belongs to --token.'],
    ['--app', '--app belongs to --token.'],
    ['--v1', '--v1 belongs to --token.'],
    ['--expired', '--expired belongs to --token.'],
    ['--audience api://other', '--audience belongs to --token.'],
    ['--token --audience ', '--audience takes the URI or the client id of an API.'],
    ['--token --audience a\tb', '--audience takes the URI or the client id of an API.'],
    ['--b2c susi', '--b2c takes the name of a policy, such as B2C_1_susi.'],
    ['--token --port 1', '--port does not go with --token, which uses the port of the last start.'],
    ['--token --app --scope a', '--scope is of a person, and does not go with --app.'],
    ['--token --b2c B2C_1_a --role a', '--role is of Entra ID, and does not go with --b2c.'],
    ['--token --b2c B2C_1_a --app', '--app is of Entra ID, and does not go with --b2c.'],
    ['--token --b2c B2C_1_a --v1', '--v1 is of Entra ID, and does not go with --b2c.'],
    ['--token --b2c B2C_1_a --b2c B2C_1_b', '--token takes one --b2c.'],
    ['--token --scope a,"b', '--scope takes one scope. Repeat it for more.'],
    ['--token --role ', '--role takes one role. Repeat it for more.'],
    ['--group a', '--group belongs to --token.'],
    ['--claim a=b', '--claim belongs to --token.'],
    ['--token --group a,"b', '--group takes one group. Repeat it for more.'],
    ['--token --b2c B2C_1_a --group a', '--group is of Entra ID, and does not go with --b2c.'],
    ['--token --claim a', '--claim takes <name>=<value>.'],
    ['--token --claim =a', '--claim takes <name>=<value>.'],
    ['--token --claim a=', '--claim takes <name>=<value>.'],
    ['--token --claim a=[b', '--claim a has a value that begins like JSON, and is not JSON.'],
    ['--token --claim a=b --claim a=c', '--claim a is given twice. Write a list as a=\'["a","b"]\'.'],
    ...['iss', 'iat', 'nbf', 'tid', 'ver', 'idtyp'].map((name): [string, string] => [
      `--token --claim ${name}=a`,
      `--claim ${name} is set by the issuer.`,
    ]),
    ['--token --claim exp=1', '--claim exp is set by the issuer: use --expired.'],
    ['--token --claim aud=a', '--claim aud is set by the issuer: use --audience.'],
    ['--token --claim scp=a', '--claim scp is set by the issuer: use --scope.'],
    ['--token --claim roles=["a"]', '--claim roles is set by the issuer: use --role.'],
    ['--token --claim groups=["a"]', '--claim groups is set by the issuer: use --group.'],
    ['--token --claim tfp=B2C_1_a', '--claim tfp is set by the issuer: use --b2c.'],
  ])('refuses %s', (line, problem) => {
    const parse = () => parseArguments(line.split(' '));
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(problem);
  });

  it.each<[string, unknown]>([
    ['HR', 'HR'],
    ['a=b', 'a=b'],
    ['two words', 'two words'],
    ['1', 1],
    ['-1.5', -1.5],
    ['007', '007'],
    ['1e3', '1e3'],
    ['NaN', 'NaN'],
    ['12345678901234567890', '12345678901234567890'],
    ['true', true],
    ['false', false],
    ['null', 'null'],
    ['"1"', '1'],
    ['["a","b"]', ['a', 'b']],
    ['{"a":1}', { a: 1 }],
  ])('reads the claim %s', (text, value) => {
    expect(parseArguments(['--token', '--claim', `department=${text}`, '--claim', 'acct=1'])).toMatchObject({
      claims: { department: value, acct: 1 },
    });
  });

  it('reads the flags of a server', () => {
    expect(parseArguments(['--port', '5000', '--b2c', 'B2C_1_a', '--b2c', 'B2C_1A_b', '--role', 'R'])).toEqual({
      kind: 'server',
      port: 5000,
      policies: ['B2C_1_a', 'B2C_1A_b'],
      roles: ['R'],
    });
    expect(parseArguments([])).toEqual({ kind: 'server', port: undefined, policies: [], roles: [] });
  });
});
