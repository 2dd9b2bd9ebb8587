import type { HostTensor } from "../tensorDtype.js";
import { tensorBytes } from "../tensorDtype.js";
import { pickleStateDict } from "./pickleStateDict.js";
import { storedZipParts } from "./storedZipParts.js";

/**
 * The bytes, in pieces, of a checkpoint as `torch.save` writes one: an OrderedDict of tensors, each in a storage of its
 * own. `torch.load(weights_only=True)` and open_clip's `load_checkpoint` read it. Same tensors, same bytes.
 *
 * @param metadata texts by name, kept where TorchScript keeps its extra files; PyTorch passes them over
 */
export function pyTorchParts(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Generator<Uint8Array> {
  const text = (value: string) => Buffer.from(value);
  const members = new Map<string, Uint8Array>([
    ["archive/data.pkl", pickleStateDict(tensors)],
    ["archive/byteorder", text("little")],
  ]);
  let key = 0;
  for (const tensor of tensors.values()) members.set(`archive/data/${key++}`, tensorBytes(tensor));
  members.set("archive/version", text("3\n"));
  for (const [name, value] of Object.entries(metadata)) members.set(`archive/extra/${name}`, text(value));
  return storedZipParts(members);
}
