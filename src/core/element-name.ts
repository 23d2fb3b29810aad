/** A class or one of its methods, as messages name it: `Orders` or `Orders.list`. */
export function nameOfElement(target: object, method?: PropertyKey): string {
  // Of a static method, the decorator is given the class itself.
  const { name: given } = (typeof target === 'function' ? target : target.constructor) as { readonly name: unknown };
  // A static member may be called name.
  const name = typeof given === 'string' ? given : 'A class with a static member name';
  return method === undefined ? name : `${name}.${String(method)}`;
}
