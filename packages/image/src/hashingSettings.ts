import { type ImageSettings, imageSettings } from "@pairloom/config";

/** How pictures that are only hashed are looked at: whole, without margins. Hashes of one list must be made alike. */
export const hashingSettings = (): ImageSettings =>
  imageSettings.parse({ resizeMode: "keep_ratio_largest", resizeOnlyIfBigger: true });
