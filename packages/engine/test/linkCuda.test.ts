import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { linkCuda } from "../src/tensorflow/tensorflowWheels.js";

it("CUDA's libraries are found beside TensorFlow's, and linking twice changes nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cuda-"));
  mkdirSync(join(folder, "tensorflow"));
  mkdirSync(join(folder, "nvidia", "cuda_runtime", "lib"), { recursive: true });
  mkdirSync(join(folder, "nvidia", "cuda_nvcc", "bin"), { recursive: true });
  writeFileSync(join(folder, "nvidia", "cuda_runtime", "lib", "libcudart.so.12"), "library");
  writeFileSync(join(folder, "nvidia", "cuda_runtime", "lib", "__init__.py"), "");
  await linkCuda(folder);
  await linkCuda(folder);
  expect(readdirSync(join(folder, "tensorflow"))).toEqual(["libcudart.so.12"]);
  expect(readFileSync(join(folder, "tensorflow", "libcudart.so.12"), "utf8")).toBe("library");
  rmSync(folder, { recursive: true });
});
