/**
 * Operations that, compiled, change variables where they lie. Recorded, they take the variables' values as their first
 * inputs and give the new values; in the graph, `op` takes the variables themselves and gives nothing.
 */
export const inPlaceForms: Readonly<Record<string, { op: string; variables: number }>> = {
  PairloomAdamW: { op: "PairloomApplyAdamW", variables: 3 },
};
