import { CheckpointError } from "../checkpointError.js";
import { brokenPickle, PickleReader } from "./pickleReader.js";
import type { PickledStorage } from "./pickleValue.js";
import {
  allowedGlobal,
  PickleDict,
  PickledModule,
  PickledTensor,
  PickleGlobal,
  PickleList,
  PickleTuple,
  type PickleValue,
} from "./pickleValue.js";
import { storageOf, tensorOf } from "./rebuild.js";

/** A checkpoint of ten thousand tensors and their moments takes about a third of it. */
const maxOpcodes = 1_000_000;
export const maxPickleBytes = 32 * 2 ** 20;

/** Where a group of values begins on the stack. */
const mark = Symbol("mark");

/**
 * Reads the pickle of a PyTorch checkpoint as data. Nothing of it is run: an opcode or a name that is not on the list is
 * refused where it stands. Time and memory grow with the pickle's length alone; nothing here recurses.
 *
 * @param isProgram the pickle of a TorchScript program: objects of its own classes are read as names and attributes
 * @throws CheckpointError "pytorch_pickle_refused" naming what it refused, "pytorch_pickle_invalid" where it is broken
 */
export function unpickle(bytes: Uint8Array, { isProgram = false } = {}): PickleValue {
  return new Unpickler(bytes, isProgram).run();
}

class Unpickler {
  private readonly reader: PickleReader;
  private readonly stack: (PickleValue | typeof mark)[] = [];
  private readonly memo = new Map<number, PickleValue>();

  constructor(
    bytes: Uint8Array,
    private readonly isProgram: boolean,
  ) {
    this.reader = new PickleReader(bytes);
  }

  run(): PickleValue {
    for (let opcodes = 0; opcodes < maxOpcodes; opcodes++) {
      const opcode = this.reader.uint8();
      if (opcode === 0x2e /* STOP */) {
        const result = this.pop();
        if (this.stack.length > 0) throw this.broken("values left over");
        return result;
      }
      this.step(opcode);
    }
    throw this.broken(`more than ${maxOpcodes} opcodes`);
  }

  private step(opcode: number): void {
    const { reader, stack } = this;
    switch (opcode) {
      case 0x80: // PROTO
        if (reader.uint8() > 5) throw this.broken("an unknown protocol");
        return;
      case 0x95: // FRAME
        reader.length64();
        return;
      case 0x28: // MARK
        return void stack.push(mark);
      case 0x4e: // NONE
        return void stack.push(null);
      case 0x88: // NEWTRUE
        return void stack.push(true);
      case 0x89: // NEWFALSE
        return void stack.push(false);
      case 0x4b: // BININT1
        return void stack.push(reader.uint8());
      case 0x4d: // BININT2
        return void stack.push(reader.uint16());
      case 0x4a: // BININT
        return void stack.push(reader.int32());
      case 0x8a: // LONG1
        return void stack.push(reader.integer(reader.uint8()));
      case 0x47: // BINFLOAT
        return void stack.push(reader.float64());
      case 0x8c: // SHORT_BINUNICODE
        return void stack.push(reader.text(reader.uint8()));
      case 0x58: // BINUNICODE
        return void stack.push(reader.text(reader.uint32()));
      case 0x8d: // BINUNICODE8
        return void stack.push(reader.text(reader.length64()));
      case 0x29: // EMPTY_TUPLE
        return void stack.push(new PickleTuple([]));
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return void stack.push(new PickleTuple(this.popSome(opcode - 0x84)));
      case 0x74: // TUPLE
        return void stack.push(new PickleTuple(this.popToMark()));
      case 0x5d: // EMPTY_LIST
        return void stack.push(new PickleList());
      case 0x61: // APPEND
        this.append(this.popSome(1));
        return;
      case 0x65: // APPENDS
        this.append(this.popToMark());
        return;
      case 0x7d: // EMPTY_DICT
        return void stack.push(new PickleDict());
      case 0x73: // SETITEM
        this.setItems(this.popSome(2));
        return;
      case 0x75: // SETITEMS
        this.setItems(this.popToMark());
        return;
      case 0x71: // BINPUT
        this.memo.set(reader.uint8(), this.top());
        return;
      case 0x72: // LONG_BINPUT
        this.memo.set(reader.uint32(), this.top());
        return;
      case 0x94: // MEMOIZE
        this.memo.set(this.memo.size, this.top());
        return;
      case 0x68: // BINGET
        return void stack.push(this.recall(reader.uint8()));
      case 0x6a: // LONG_BINGET
        return void stack.push(this.recall(reader.uint32()));
      case 0x63: // GLOBAL
        return void stack.push(this.global(reader.line(), reader.line()));
      case 0x93: // STACK_GLOBAL
        this.stackGlobal();
        return;
      case 0x51: // BINPERSID
        return void stack.push(this.storage(this.pop()));
      case 0x52: // REDUCE
        this.reduce();
        return;
      case 0x81: // NEWOBJ
        this.newModule();
        return;
      case 0x62: // BUILD
        this.build();
        return;
      default:
        throw this.refused(`the opcode 0x${opcode.toString(16).padStart(2, "0")}`);
    }
  }

  private top(): PickleValue {
    const value = this.stack.at(-1);
    if (value === undefined || value === mark) throw this.broken("too few values");
    return value;
  }

  private pop(): PickleValue {
    const value = this.top();
    this.stack.pop();
    return value;
  }

  private popSome(count: number): PickleValue[] {
    const values = Array.from({ length: count }, () => this.pop());
    return values.reverse();
  }

  private popToMark(): PickleValue[] {
    const at = this.stack.lastIndexOf(mark);
    if (at < 0) throw this.broken("no mark");
    const values = this.stack.splice(at);
    return values.slice(1) as PickleValue[];
  }

  private recall(index: number): PickleValue {
    const value = this.memo.get(index);
    if (value === undefined) throw this.broken(`nothing remembered as ${index}`);
    return value;
  }

  private append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (!(list instanceof PickleList)) throw this.broken("something appended to no list");
    for (const item of items) list.items.push(item);
  }

  private setItems(items: readonly PickleValue[]): void {
    const dict = this.top();
    if (!(dict instanceof PickleDict) || items.length % 2 !== 0) throw this.broken("items for no dict");
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i]!;
      if (typeof key !== "string" && typeof key !== "number")
        throw this.refused("a key that is no string or number");
      dict.entries.set(key, items[i + 1]!);
    }
  }

  private stackGlobal(): void {
    const [module, name] = this.popSome(2);
    if (typeof module !== "string" || typeof name !== "string") throw this.broken("a global without a name");
    this.stack.push(this.global(module, name));
  }

  private global(module: string, name: string): PickleGlobal {
    const meaning = allowedGlobal(module, name, this.isProgram);
    if (meaning === null)
      throw this.refused(`the Python object ${JSON.stringify(`${module}.${name}`.slice(0, 120))}`);
    return new PickleGlobal(meaning);
  }

  private storage(id: PickleValue): PickledStorage {
    const storage = storageOf(id);
    if (storage === null) throw this.refused("a persistent id that is no storage");
    return storage;
  }

  private reduce(): void {
    const [callable, tuple] = this.popSome(2);
    if (!(callable instanceof PickleGlobal) || !(tuple instanceof PickleTuple)) {
      throw this.refused("a call of something that is no known function");
    }
    const { items } = tuple;
    switch (callable.meaning.kind) {
      case "orderedDict":
        if (items.length > 0) throw this.refused("an OrderedDict made from arguments");
        this.stack.push(new PickleDict());
        return;
      case "rebuildTensor":
        this.stack.push(this.tensor(items));
        return;
      case "rebuildParameter":
        if (!(items[0] instanceof PickledTensor)) throw this.broken("a parameter that is no tensor");
        this.stack.push(items[0]);
        return;
      case "firstArgument":
        if (items[0] === undefined) throw this.broken("a list of nothing");
        this.stack.push(items[0]);
        return;
      case "storage":
      case "module":
        throw this.refused("a call of a type");
    }
  }

  private tensor(items: readonly PickleValue[]): PickledTensor {
    const tensor = tensorOf(items);
    if (tensor === null) throw this.broken("a tensor with impossible storage, offset, sizes or strides");
    return tensor;
  }

  /** An object without its attributes, which BUILD gives it. */
  private newModule(): void {
    const [type, items] = this.popSome(2);
    const meaning = type instanceof PickleGlobal ? type.meaning : null;
    if (meaning?.kind !== "module" || !(items instanceof PickleTuple) || items.items.length > 0)
      throw this.refused("a new object of something that is no module");
    this.stack.push(new PickledModule(meaning.className));
  }

  /** Attributes of a module are kept, those of an OrderedDict (a state dict's `_metadata`) passed over; nothing else has any. */
  private build(): void {
    const state = this.pop();
    const target = this.top();
    if (target instanceof PickledModule && state instanceof PickleDict) {
      for (const [name, value] of state.entries) target.attributes.set(String(name), value);
    } else if (!(target instanceof PickleDict)) {
      throw this.refused("attributes for something that is no dict");
    }
  }

  private broken(problem: string): CheckpointError {
    return brokenPickle(problem, this.reader.at);
  }

  private refused(what: string): CheckpointError {
    return new CheckpointError(
      "pytorch_pickle_refused",
      `The checkpoint's pickle holds ${what} (byte ${this.reader.at}), which is not data and is not run`,
      {
        hint: "Save the weights alone: torch.save(model.state_dict(), path), or as safetensors.",
      },
    );
  }
}
