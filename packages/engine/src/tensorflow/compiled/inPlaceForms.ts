export interface InPlaceForm {
  op: string;
  /** How many variables, the first inputs. */
  variables: number;
  /** The input that may be bfloat16 where it was computed so. */
  low: number;
}

/**
 * Operations that, compiled, change variables where they lie. Recorded, they take the variables' values as their first
 * inputs and give the new values; in the graph, `op` takes the variables themselves and gives nothing.
 */
export const inPlaceForms: Readonly<Record<string, InPlaceForm>> = {
  PairloomAdamW: { op: "PairloomApplyAdamW", variables: 3, low: 3 },
};
