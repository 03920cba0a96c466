/** Makes the object of one shape, and asks `next` for each value, in the order of the keys. */
type ShapeBuilder = (next: () => unknown) => object;

// As cbor-x does: a function is compiled for a shape that was seen a few times, and not for all at start-up.
const slowBuilds = 8;

/** How a shape's objects are built: `build` is replaced as it learns. */
export interface BuiltShape {
  readonly size: number;
  build: ShapeBuilder;
}

export function builtShape(keys: readonly string[]): BuiltShape {
  let builds = 0;
  const shape: BuiltShape = {
    size: keys.length,
    build(next) {
      if (++builds === slowBuilds) shape.build = compiled(keys) ?? slow;
      return slow(next);
    },
  };
  return shape;

  function slow(next: () => unknown): object {
    const object: Record<string, unknown> = {};
    for (let i = 0; i < keys.length; i++) object[keys[i]!] = next();
    return object;
  }
}

/** An object literal; undefined where code from strings is forbidden, as by a Content-Security-Policy. */
function compiled(keys: readonly string[]): ShapeBuilder | undefined {
  const properties = keys.map((key) => `${JSON.stringify(key)}:next()`);
  try {
    // The keys are the schema's own, never a peer's, and quoted all the same.
    return Reflect.construct(Function, ["next", `return {${properties.join()}}`]) as ShapeBuilder;
  } catch {
    return undefined;
  }
}
