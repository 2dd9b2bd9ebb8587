// CommonJS, since it also runs as a child process of its own (checkLoads): nothing but Node's own modules here.
/* eslint-disable @typescript-eslint/no-require-imports -- CommonJS */
import Module = require("node:module");
import path = require("node:path");
import util = require("node:util");

/**
 * Loads @tensorflow/tfjs-node-gpu with a binding from anywhere. The package asks node-pre-gyp where its binding is; for
 * the length of the call it gets our answer instead. Node 23 took functions from `util` that the package calls: they
 * are put back.
 */
function requireBinding(packageFolder: string, binding: string): unknown {
  const lost = util as unknown as Record<string, unknown>;
  lost["isNullOrUndefined"] ??= (value: unknown) => value === null || value === undefined;
  lost["isArray"] ??= Array.isArray;
  lost["isString"] ??= (value: unknown) => typeof value === "string";
  const require = Module.createRequire(path.join(packageFolder, "dist", "index.js"));
  const finder = require.resolve("@mapbox/node-pre-gyp");
  const before = require.cache[finder];
  const fake = new Module(finder);
  fake.exports = { find: () => binding };
  fake.loaded = true;
  require.cache[finder] = fake;
  try {
    return require(packageFolder) as unknown;
  } finally {
    if (before === undefined) delete require.cache[finder];
    else require.cache[finder] = before;
  }
}

export = requireBinding;
