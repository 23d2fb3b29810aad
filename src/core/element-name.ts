/** A class or one of its methods, as messages name it: `Orders` or `Orders.list`. */
export function nameOfElement(target: object, method?: PropertyKey): string {
  // Of a static method, the decorator is given the class itself.
  const { name } = typeof target === 'function' ? target : target.constructor;
  return method === undefined ? name : `${name}.${String(method)}`;
}
