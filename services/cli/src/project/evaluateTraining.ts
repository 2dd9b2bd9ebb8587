import type { TrainSettings } from "@pairloom/training";

/** The evaluation of a training in this process. @throws UserError where its pairs or class names cannot be read */
export async function evaluateTraining(settings: TrainSettings, log: (line: string) => void) {
  const [{ openTrainingEvaluation }, { createTokenizer }] = await Promise.all([
    import("@pairloom/evaluation"),
    import("@pairloom/tokenizer"),
  ]);
  return openTrainingEvaluation(settings, createTokenizer(), log);
}
