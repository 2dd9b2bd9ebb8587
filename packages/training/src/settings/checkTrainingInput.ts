import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { checkTokenizerFit, imageSize } from "@pairloom/clip";
import { UserError } from "@pairloom/config/errors";
import { findShards } from "@pairloom/shards";
import { isStoreUrl, openStore, type Store } from "@pairloom/storage";
import { refuseHeldOut } from "../data/heldOut.js";
import { readRunRecord } from "../run/runRecord.js";
import { startingConfig } from "../run/startingModel.js";
import { checkAgainst } from "./checkAgainst.js";
import { resolveTrainSettings, type TrainSettings, type TrainSettingsInput } from "./trainSettings.js";

/**
 * Fills in a training's settings and looks at everything that they name: model, data, held-out pairs, class names and
 * weights. It costs a few files' reading, so that a training that can't begin is refused before an engine is loaded or a
 * job is queued. The training itself looks closer.
 *
 * @throws UserError naming the setting
 */
export async function checkTrainingInput(input: TrainSettingsInput): Promise<TrainSettings> {
  // the schema first: a model's name must be a text before it is looked for
  const { model, initialCheckpoint, resume, out } = resolveTrainSettings(input);
  // a run that goes on has weights of its own
  if (initialCheckpoint !== null && !resume)
    await of("initialCheckpoint", () => checkWeights(initialCheckpoint));
  const before = resume ? await readRunRecord(resolve(out)) : null;
  const config = await of(model === initialCheckpoint ? "initialCheckpoint" : "model", () =>
    startingConfig(model, initialCheckpoint, before),
  );
  const settings = resolveTrainSettings(
    input,
    typeof config.vision_cfg.layers === "number" ? "vit" : "resnet",
  );
  const [height, width] = imageSize(config.vision_cfg);
  if (height !== width)
    throw new UserError("model_not_square", "Training setting `model`: training takes square images only");
  // which engine `auto` takes is the training's to find out
  if (settings.engine === "auto") checkTokenizerFit(config);
  else checkAgainst(settings, config, { name: settings.engine });
  const data = await of("data", () => openFolder(settings.data));
  const samples = await of("data", () => samplesOf(data));
  await refuseHeldOut(data, settings.allowHeldOut);
  if (samples !== null && samples < settings.batchSize)
    throw new UserError(
      "release_too_small",
      `Training setting \`batchSize\`: the data have ${samples} samples, fewer than one batch of ${settings.batchSize}`,
      { hint: "Take a smaller batch, or more data." },
    );
  const { evaluateData, zeroShotClasses } = settings;
  if (evaluateData !== null) await of("evaluateData", async () => samplesOf(await openFolder(evaluateData)));
  if (zeroShotClasses !== null) await of("zeroShotClasses", () => checkFile(zeroShotClasses));
  return settings;
}

/** Names the setting in what goes wrong. */
async function of<T>(setting: string, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { code, message, hint, exitCode } = error;
    throw new UserError(code, `Training setting \`${setting}\`: ${message}`, {
      ...(hint === null ? {} : { hint }),
      exitCode,
      cause: error,
    });
  }
}

async function openFolder(data: string): Promise<Store> {
  if (!isStoreUrl(data)) {
    const found = await stat(data).catch(() => null);
    if (found === null)
      throw new UserError("release_missing", `There is no release at ${data}`, {
        hint: "`pairloom release --dir D` writes one; give the folder that holds 00000.tar.",
      });
    if (!found.isDirectory())
      throw new UserError("release_missing", `${data} is no folder`, {
        hint: "Give the folder that holds 00000.tar.",
      });
  }
  return openStore(data, { readOnly: true });
}

/** Null where no `sizes.json` says. @throws UserError "no_shards" */
async function samplesOf(store: Store): Promise<number | null> {
  return (await findShards(store)).reduce<number | null>(
    (sum, { samples }) => (sum === null || samples === null ? null : sum + samples),
    0,
  );
}

async function checkFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found?.isFile() !== true || found.size === 0)
    throw new UserError("file_missing", `${path} is no file, or an empty one`);
}

/** Weights are a file, or a model's folder. */
async function checkWeights(path: string): Promise<void> {
  if ((await stat(path).catch(() => null))?.isDirectory() !== true) await checkFile(path);
}
