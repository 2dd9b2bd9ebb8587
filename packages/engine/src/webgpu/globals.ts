/**
 * Gives TensorFlow.js's back end the globals that it expects of a browser (GPUBuffer, GPUBufferUsage …); those that are
 * there already stay. Returns what takes them away again.
 */
export function installGlobals(globals: Readonly<Record<string, unknown>>): () => void {
  const added = Object.keys(globals).filter((name) => !(name in globalThis));
  for (const name of added)
    Object.defineProperty(globalThis, name, { value: globals[name], configurable: true, writable: true });
  return () => {
    for (const name of added) Reflect.deleteProperty(globalThis, name);
  };
}

/** Runs `make` while `navigator.gpu` is there: the back end's constructor looks for it, nothing does later. */
export function withNavigator<T>(gpu: GPU, make: () => T): T {
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", { value: { gpu }, configurable: true });
  try {
    return make();
  } finally {
    if (before === undefined) Reflect.deleteProperty(globalThis, "navigator");
    else Object.defineProperty(globalThis, "navigator", before);
  }
}
