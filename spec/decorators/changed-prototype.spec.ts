import { describe, expect, it } from 'vitest';
import { requirementOf } from '../../src/decorators/decorated-elements.js';
import { RequiresAuth, RequiresRole, ValidateScope } from '../../src/index.js';

@RequiresRole('Admin')
class Strict {}

@RequiresRole('Reader')
class Lax {}

class Orders {
  @ValidateScope('orders.read')
  list() {
    return [];
  }
}

const rolesOf = (prototype: object) =>
  requirementOf(prototype, 'list')?.demands.flatMap((demand) => (demand.kind === 'role' ? demand.anyOf : []));

describe('requirementOf', () => {
  it('sees that a prototype got another one', () => {
    expect(rolesOf(Orders.prototype)).toEqual([]);
    Object.setPrototypeOf(Orders.prototype, Lax.prototype);
    expect(rolesOf(Orders.prototype)).toEqual(['Reader']);
    // The chain is as long as before, and as often recorded.
    Object.setPrototypeOf(Orders.prototype, Strict.prototype);
    expect(rolesOf(Orders.prototype)).toEqual(['Admin']);
    Object.setPrototypeOf(Orders.prototype, Object.prototype);
    expect(rolesOf(Orders.prototype)).toEqual([]);
  });

  it('sees what is recorded on a class above later', () => {
    class Base {}
    class Derived extends Base {
      @RequiresAuth()
      list() {
        return [];
      }
    }
    expect(rolesOf(Derived.prototype)).toEqual([]);
    RequiresRole('Admin')(Base);
    expect(rolesOf(Derived.prototype)).toEqual(['Admin']);
  });
});
