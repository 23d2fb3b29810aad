import { describe, expect, it } from 'vitest';
import {
  b2cCaller,
  entraCaller,
  isContradicted,
  mayBeUser,
  type CallerKind,
} from '../../../src/core/token/caller-kind.js';

describe('who calls with a token of Entra ID', () => {
  const person = { oid: 'a', sub: 'pairwise' };

  it.each<[string, object, readonly [app: boolean, user: boolean]]>([
    ['a scope', { ...person, scp: 'read' }, [false, true]],
    ['a scope, and equal oid and sub', { oid: 'a', sub: 'a', scp: 'read' }, [false, true]],
    ['no scope', {}, [true, false]],
    ['no scope, and equal oid and sub', { oid: 'a', sub: 'a' }, [true, false]],
    ['no scope, and oid and sub that differ', person, [false, true]],
    ['an empty scope, and oid and sub that differ', { ...person, scp: '' }, [false, true]],
    ['no scope, and the sub of a federated credential', { oid: 'a', sub: '/eid1/c/pub/t/a' }, [true, false]],
    ['idtyp app, and oid and sub that differ', { ...person, idtyp: 'app' }, [true, false]],
    ['idtyp user, and equal oid and sub', { oid: 'a', sub: 'a', idtyp: 'user' }, [false, true]],
    ['no scope, and a sub that is no text', { oid: 'a', sub: 1 }, [false, true]],
    ['an unknown idtyp', { ...person, idtyp: 'device' }, [false, false]],
  ])('is known by %s', (_, claims, [app, user]) => {
    const callerKind = entraCaller({ ...claims });
    expect([callerKind === 'app', mayBeUser(callerKind)]).toEqual([app, user]);
  });
});

describe('who calls with a token of B2C', () => {
  const consumer = { azp: 'spa', oid: 'a', sub: 'a', scp: 'read' };
  const daemon = { azp: 'daemon', sub: 'service', scp: 'read.all' };
  const listed = new Set(['daemon']);

  it.each<[string, object, ReadonlySet<string> | undefined, CallerKind]>([
    ['nothing, without a list', consumer, undefined, 'app or user'],
    ['nothing, without a list, for a daemon', daemon, undefined, 'app or user'],
    ['nothing, without a list, where there is no scope', { ...consumer, scp: undefined }, undefined, 'app or user'],
    ['a list without its client', consumer, listed, 'user'],
    ['a list without its client, where there is no scope', { ...consumer, scp: undefined }, listed, 'user'],
    ['a list with its client', daemon, listed, 'app'],
    ['a list with its client, and equal oid and sub', { ...daemon, oid: 'service' }, listed, 'app'],
    ['a list with its client, and idtyp app', { ...daemon, idtyp: 'app' }, listed, 'app'],
    ['a list with its client, and idtyp user', { ...daemon, idtyp: 'user' }, listed, 'neither'],
    ['a list with its client, and a name', { ...daemon, name: 'Ada' }, listed, 'neither'],
    ['a list without its client, and idtyp app', { ...daemon, azp: 'other', idtyp: 'app' }, listed, 'app'],
    ['idtyp app', { ...daemon, idtyp: 'app' }, undefined, 'app'],
    ['idtyp user', { ...consumer, idtyp: 'user' }, undefined, 'user'],
    ['an unknown idtyp', { ...consumer, idtyp: 'device' }, undefined, 'neither'],
    ['a list, where there is no client', { ...daemon, azp: undefined }, listed, 'user'],
    ['a list, where the client is in another case', { ...daemon, azp: 'DAEMON' }, listed, 'user'],
  ])('is known by %s', (_, claims, daemonClients, expected) => {
    const callerKind = b2cCaller({ ...claims }, daemonClients);
    expect(callerKind).toBe(expected);
    expect(isContradicted({ ...claims }, callerKind, daemonClients)).toBe(
      callerKind === 'neither' && daemonClients === listed,
    );
  });
});
