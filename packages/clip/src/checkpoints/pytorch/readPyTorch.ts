import { CheckpointError } from "../checkpointError.js";
import type { ChosenWeights } from "../chooseWeights.js";
import { weightsAmong } from "./weightsAmong.js";
import type { TensorFile } from "../safetensors.js";
import { tensorDtypes } from "../tensorDtype.js";
import { gatherElements, lastElement } from "./gatherElements.js";
import { pickledTensors } from "./pickledTensors.js";
import type { PickledTensor } from "./pickleValue.js";
import { inMemory, type RandomAccess, withFile } from "./randomAccess.js";
import { listStoredZip, readStoredEntry, type ZipEntry } from "./storedZip.js";
import { maxPickleBytes, unpickle } from "./unpickle.js";

/** What `torch.save` or `torch.jit.save` wrote. */
export interface PyTorchCheckpoint {
  readonly tensors: TensorFile;
  /** Names of the classes of a TorchScript program; null for a checkpoint that is none. */
  readonly classes: ReadonlySet<string> | null;
  /** Texts that the archive keeps beside its tensors, by name. */
  readonly metadata: ReadonlyMap<string, string>;
  /** What was done to tell the model's tensors from others, in words. */
  readonly notes: readonly string[];
}

export interface PyTorchReadOptions {
  /** Reads only these names, as they are in the file; names that it lacks are not missed. */
  readonly names?: ReadonlySet<string> | undefined;
  /** Chooses among several models: see `chooseWeights`. */
  readonly weights?: string | undefined;
}

/** Longer texts beside the tensors are passed over. */
const maxTextBytes = 2 ** 20;

/**
 * Reads a model's tensors from a checkpoint that `torch.save` wrote (a zip of a pickle and storages, PyTorch 1.6 and later): a
 * state dict itself, or one in another dict beside an optimizer's and others, which are passed over; or those of a
 * TorchScript program, as OpenAI published its models. `chooseWeights` says which. No code of the file is run, and its
 * claims are checked against its length before memory is taken.
 *
 * @throws CheckpointError on a broken file, or on one that holds more than data
 */
export function readPyTorchCheckpoint(
  path: string,
  options: PyTorchReadOptions = {},
): Promise<PyTorchCheckpoint> {
  return withFile(path, (file) => readTensors(file, options));
}

/** The tensors alone. @throws CheckpointError as `readPyTorchCheckpoint` */
export async function readPyTorchFile(path: string): Promise<TensorFile> {
  return (await readPyTorchCheckpoint(path)).tensors;
}

/** The same from memory. */
export async function readPyTorch(bytes: Uint8Array): Promise<TensorFile> {
  return (await readTensors(inMemory(bytes), {})).tensors;
}

/** Checks that a file is whole as far as that can be seen without reading its tensors. @throws CheckpointError */
export function checkPyTorchFile(path: string): Promise<void> {
  return withFile(path, async (file) => {
    await openStateDict(file, {});
  });
}

async function readTensors(file: RandomAccess, options: PyTorchReadOptions): Promise<PyTorchCheckpoint> {
  const { tensors, entries, classes, texts, notes } = await openStateDict(file, options);
  const result: TensorFile = new Map();
  let read: ZipEntry | undefined;
  let storage = new Uint8Array();
  for (const [name, tensor] of tensors) {
    const entry = entries.get(tensor)!;
    // neighbours often share a storage
    if (entry !== read) storage = await readStoredEntry(file, entry);
    read = entry;
    const { dtype } = tensor.storage;
    const elements = gatherElements(storage, tensorDtypes[dtype].bytes, tensor);
    result.set(name, { dtype, shape: tensor.shape, data: tensorDtypes[dtype].decode(elements) });
  }
  const metadata = new Map<string, string>();
  for (const [name, entry] of texts)
    metadata.set(name, new TextDecoder().decode(await readStoredEntry(file, entry)));
  return { tensors: result, classes, metadata, notes };
}

/** The tensors of the state dict and the members they lie in, checked; no tensor is read. */
async function openStateDict(
  file: RandomAccess,
  options: PyTorchReadOptions,
): Promise<{
  tensors: Map<string, PickledTensor>;
  entries: Map<PickledTensor, ZipEntry>;
  classes: ReadonlySet<string> | null;
  texts: Map<string, ZipEntry>;
  notes: ChosenWeights["notes"];
}> {
  const members = await listStoredZip(file);
  const pickle = findPickle(members);
  const folder = pickle.name.slice(0, -"data.pkl".length);
  if (pickle.end - pickle.start > maxPickleBytes) {
    throw new CheckpointError(
      "checkpoint_too_large",
      `The checkpoint's pickle has more than ${maxPickleBytes} bytes`,
    );
  }
  await checkByteOrder(file, members.get(`${folder}byteorder`));
  const isProgram = members.has(`${folder}constants.pkl`);
  const value = unpickle(await readStoredEntry(file, pickle), { isProgram });
  const { tensors: all, classes } = pickledTensors(value);
  const { names, notes } = weightsAmong(all.keys(), options);
  const tensors = new Map([...names].map(([name, own]) => [own, all.get(name)!]));
  const entries = new Map<PickledTensor, ZipEntry>();
  let total = 0;
  for (const [name, tensor] of tensors) {
    entries.set(tensor, storageMember(name, tensor, members, folder));
    total += tensor.shape.reduce((product, side) => product * side, tensorDtypes[tensor.storage.dtype].bytes);
  }
  // tensors may share storages (tied weights), yet not without end: a small file must not become a large memory
  if (total > 2 * file.size) {
    throw new CheckpointError(
      "checkpoint_too_large",
      `The checkpoint's tensors are ${total} bytes, its file ${file.size}`,
    );
  }
  const texts = textsIn(members, `${folder}extra/`);
  return { tensors, entries, classes, texts, notes };
}

function findPickle(members: ReadonlyMap<string, ZipEntry>): ZipEntry {
  const pickles = [...members.values()].filter(({ name }) => /^[^/]+\/data\.pkl$/.test(name));
  const [pickle] = pickles;
  if (pickle === undefined || pickles.length > 1) {
    throw new CheckpointError(
      "pytorch_zip_invalid",
      `A zip archive, but no PyTorch checkpoint: ${pickles.length} data.pkl in it`,
    );
  }
  return pickle;
}

/** Short members in the folder of extra files, by their names there. */
function textsIn(members: ReadonlyMap<string, ZipEntry>, folder: string): Map<string, ZipEntry> {
  const texts = [...members.values()].filter(
    ({ name, start, end, isCompressed }) =>
      name.startsWith(folder) && end - start <= maxTextBytes && !isCompressed,
  );
  return new Map(texts.slice(0, 16).map((entry) => [entry.name.slice(folder.length), entry]));
}

async function checkByteOrder(file: RandomAccess, member: ZipEntry | undefined): Promise<void> {
  if (member === undefined) return;
  const order =
    member.end - member.start === 6 ? new TextDecoder().decode(await readStoredEntry(file, member)) : "?";
  if (order !== "little") {
    throw new CheckpointError(
      "pytorch_storage_invalid",
      `The checkpoint's byte order is ${JSON.stringify(order)}, not "little"`,
    );
  }
}

/** The member that holds a tensor's storage, long enough for the view. */
function storageMember(
  name: string,
  tensor: PickledTensor,
  members: ReadonlyMap<string, ZipEntry>,
  folder: string,
): ZipEntry {
  const { storage } = tensor;
  const wrong = (problem: string): CheckpointError =>
    new CheckpointError(
      "pytorch_storage_invalid",
      `Tensor ${JSON.stringify(name.slice(0, 120))}: ${problem}`,
    );
  const member = members.get(`${folder}data/${storage.key}`);
  if (member === undefined) throw wrong(`its storage data/${storage.key.slice(0, 40)} is not in the file`);
  const bytes = member.end - member.start;
  if (bytes !== storage.elements * tensorDtypes[storage.dtype].bytes) {
    throw wrong(
      `its storage claims ${storage.elements} elements of ${storage.dtype}, the file has ${bytes} bytes`,
    );
  }
  const last = lastElement(tensor);
  if (last >= storage.elements) throw wrong(`it reaches to element ${last} of ${storage.elements}`);
  const elements = tensor.shape.reduce((product, side) => product * side, 1);
  if (elements > storage.elements)
    throw wrong(`it repeats its storage's elements: ${elements} of ${storage.elements}`);
  return member;
}
