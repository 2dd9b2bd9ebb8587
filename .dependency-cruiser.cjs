// The import rule: packages never import services, services never import one another (the cli composes them),
// and arrows between packages run forwards in this order only.
const order = [
  "config",
  "storage",
  "queue",
  "tables",
  "querylist",
  "sources",
  "web",
  "extract",
  "image",
  "dedupe",
  "shards",
  "tokenizer",
  "clip",
  "engine",
  "training",
  "evaluation",
];
module.exports = {
  forbidden: [
    {
      name: "package-imports-service",
      severity: "error",
      from: { path: "^packages/" },
      to: { path: "^services/" },
    },
    {
      name: "service-imports-service",
      severity: "error",
      from: { path: "^services/(?!cli/)([^/]+)/" },
      to: { path: "^services/", pathNot: "^services/$1/" },
    },
    {
      name: "no-circular",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    ...order.map((name, at) => ({
      name: `${name}-imports-a-later-package`,
      severity: "error",
      from: { path: `^packages/${name}/` },
      to: { path: `^packages/(${order.slice(at + 1).join("|") || "none"})/` },
    })),
    {
      name: "no-deep-imports",
      comment: "other packages are imported by their doors alone: index, and clip's images",
      severity: "error",
      from: { path: "^(packages|services)/([^/]+)/" },
      to: {
        path: "^packages/[^/]+/(src|dist)/",
        pathNot: [
          "^packages/[^/]+/(src|dist)/index\\.(d\\.)?(ts|js)$",
          "^packages/clip/(src|dist)/images\\.(d\\.)?(ts|js)$",
          "^$1/$2/",
        ],
      },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(dist|test)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "default"] },
  },
};
