import { UserError } from "@pairloom/config/errors";
import { pictureExtensions } from "@pairloom/config/pictureName";
import type { Store } from "@pairloom/storage";

const loosePicture = new RegExp(`^(\\d{5,})/[^/]+\\.(?:${pictureExtensions.join("|")})$`);

/** A tar that was compressed and named so. */
export const packedTar = /\.(?:tar\.(?:gz|bz2|xz|zst|lz4|Z)|tgz|tbz2?|txz)$/;

/** What the folder holds instead of tars, and what to do: img2dataset writes five layouts. */
function whatInstead(files: readonly string[]): { holds: string; hint: string } | null {
  const folder = files.map((file) => loosePicture.exec(file)?.[1]).find((name) => name !== undefined);
  if (folder !== undefined)
    return {
      holds: `it holds loose files (${folder}/…), as img2dataset's --output_format files writes them`,
      hint:
        `Make each folder a tar, with GNU tar: tar --sort=name --transform='s|^\\./||' -cf ${folder}.tar -C ${folder} . ` +
        "(or fetch with --output_format webdataset).",
    };
  const packed = files.find((file) => packedTar.test(file));
  if (packed !== undefined)
    return {
      holds: `it holds packed ones (${packed})`,
      hint: "Unpack them: gunzip *.tar.gz, zstd -d *.tar.zst or their like. Shards are plain tars here.",
    };
  const refetch = "Fetch with --output_format webdataset: shards are tars here.";
  if (files.some((file) => /^\d{5,}\.tfrecord$/.test(file)))
    return { holds: "it holds TensorFlow's records (*.tfrecord)", hint: refetch };
  if (files.some((file) => /^\d{5,}\.parquet$/.test(file)))
    return {
      holds: "it holds tables alone, as img2dataset's --output_format parquet writes them",
      hint: refetch,
    };
  return null;
}

/**
 * The error of whoever looks for tars in a folder that has none: it says what there is, where that is known.
 * @param files names of all files below the folder
 */
export function noShards(code: "no_shards" | "no_release", store: Store, files: Iterable<string>): UserError {
  const found = whatInstead([...files]);
  const says = `There are no shards (*.tar) in ${store.url}`;
  if (found !== null) return new UserError(code, `${says}: ${found.holds}`, { hint: found.hint });
  return new UserError(code, says, { hint: "Name the folder that holds 00000.tar and its like." });
}
