// Plain JavaScript has no decorator syntax yet: a decorator is a function, and can be called as one.
export function decorateMethod(controller, name, ...decorators) {
  for (const decorate of decorators.reverse()) {
    const descriptor = Object.getOwnPropertyDescriptor(controller.prototype, name);
    decorate(controller.prototype, name, descriptor);
    Object.defineProperty(controller.prototype, name, descriptor);
  }
}
