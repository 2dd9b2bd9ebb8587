import type { TensorDtype } from "../tensorDtype.js";

/** What the reader makes of a pickle: data alone, nothing that acts. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleTuple
  | PickleList
  | PickleDict
  | PickleGlobal
  | PickledStorage
  | PickledTensor
  | PickledModule;

export class PickleTuple {
  constructor(readonly items: readonly PickleValue[]) {}
}

export class PickleList {
  readonly items: PickleValue[] = [];
}

/** A dict or an OrderedDict. Keys are strings and numbers. */
export class PickleDict {
  readonly entries = new Map<string | number, PickleValue>();
}

/** One of the few names that a pickle may speak of. */
export class PickleGlobal {
  constructor(readonly meaning: GlobalMeaning) {}
}

/** An object of a TorchScript program, most often a module: its class's name and its attributes. Its code is never read. */
export class PickledModule {
  readonly attributes = new Map<string, PickleValue>();
  constructor(readonly className: string) {}
}

export type GlobalMeaning =
  | { readonly kind: "orderedDict" }
  | { readonly kind: "rebuildTensor" }
  | { readonly kind: "rebuildParameter" }
  | { readonly kind: "storage"; readonly dtype: TensorDtype }
  | { readonly kind: "module"; readonly className: string }
  | { readonly kind: "firstArgument" };

/** A member `data/<key>` of the archive: so many elements of a type. */
export class PickledStorage {
  constructor(
    readonly dtype: TensorDtype,
    readonly key: string,
    readonly elements: number,
  ) {}
}

/** A tensor as a view into a storage; offset and strides count elements. */
export class PickledTensor {
  constructor(
    readonly storage: PickledStorage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

const storageTypes: Readonly<Record<string, TensorDtype>> = {
  FloatStorage: "F32",
  DoubleStorage: "F64",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
};

/** TorchScript's lists of one type, and tags of types: each stands for the list or value that it is given. */
const typedValues: ReadonlySet<string> = new Set([
  "build_intlist",
  "build_doublelist",
  "build_boollist",
  "build_tensorlist",
  "restore_type_tag",
]);

/**
 * The meaning of a global's name; null for every name that is not on the list.
 *
 * @param isProgram the pickle is a TorchScript program's, which names classes of its own (`__torch__.…`)
 */
export function allowedGlobal(module: string, name: string, isProgram: boolean): GlobalMeaning | null {
  if (isProgram) {
    if (module === "__torch__" || module.startsWith("__torch__.")) return { kind: "module", className: name };
    if (module === "torch.jit._pickle" && typedValues.has(name)) return { kind: "firstArgument" };
  }
  if (module === "collections" && name === "OrderedDict") return { kind: "orderedDict" };
  if (module === "torch._utils" && name === "_rebuild_tensor_v2") return { kind: "rebuildTensor" };
  if (module === "torch._utils" && name === "_rebuild_parameter") return { kind: "rebuildParameter" };
  const dtype = module === "torch" && Object.hasOwn(storageTypes, name) ? storageTypes[name] : undefined;
  return dtype === undefined ? null : { kind: "storage", dtype };
}

/** The name of the storage type that PyTorch knows for an element type; undefined where there is none. */
export function storageTypeOf(dtype: TensorDtype): string | undefined {
  return Object.keys(storageTypes).find((name) => storageTypes[name] === dtype);
}
