/** Templates for pictures of one thing, from alt texts' habits. */
export const plainTemplates: readonly string[] = [
  "{}",
  "a {}",
  "a picture of a {}",
  "photo of a {}",
  "a small {}",
  "a large {}",
];
