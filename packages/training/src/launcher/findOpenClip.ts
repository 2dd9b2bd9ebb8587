import { spawn } from "node:child_process";
import { UserError } from "@pairloom/config/errors";
import { z } from "zod";

/** The version whose flags and files this launcher knows. */
export const openClipVersion = "3.3.0";

const found = z.object({
  python: z.string(),
  torch: z.string().nullable(),
  openClip: z.string().nullable(),
  webdataset: z.string().nullable(),
  pandas: z.string().nullable(),
  tensorboard: z.string().nullable(),
  gpus: z.int().nullable(),
});

/** An installation of open_clip that can train. */
export interface OpenClipInstallation {
  python: string;
  torch: string;
  openClip: string;
  webdataset: string;
  /** CUDA devices that PyTorch can use. */
  gpus: number;
}

const probe = `
import importlib.metadata, json, platform
def version(name):
    try: return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError: return None
found = {"python": platform.python_version(), "openClip": version("open_clip_torch")}
found.update({name: version(name) for name in ("torch", "webdataset", "pandas", "tensorboard")})
found["gpus"] = None
if found["torch"]:
    import torch
    found["gpus"] = torch.cuda.device_count() if torch.cuda.is_available() else 0
print(json.dumps(found))
`;

/**
 * What a Python has of what open_clip's trainer needs.
 *
 * @throws UserError "python_missing", "open_clip_missing" or "open_clip_unfit", with the pip line that mends it
 */
export async function findOpenClip(python: string): Promise<OpenClipInstallation> {
  const { stdout, stderr, exitCode } = await runPython(python, probe);
  const line = stdout.trim().split("\n").at(-1) ?? "";
  const parsed = exitCode === 0 ? found.safeParse(parseJson(line)) : null;
  if (parsed?.success !== true) {
    const last = stderr.trim().split("\n").at(-1) ?? "";
    throw new UserError(
      "python_unfit",
      `${python} can't say what it has: ${last === "" ? `exit code ${exitCode}` : last}`,
      {
        hint: "Name a working Python 3.9 or later with --python.",
      },
    );
  }
  const { torch, openClip, webdataset, pandas, tensorboard, gpus } = parsed.data;
  const lacking = Object.entries({ torch, open_clip_torch: openClip, webdataset, pandas, tensorboard })
    .filter(([, version]) => version === null)
    .map(([name]) => name);
  if (torch === null || openClip === null || webdataset === null || lacking.length > 0) {
    throw new UserError("open_clip_missing", `${python} lacks ${lacking.join(", ")}`, {
      hint: installHint(python),
    });
  }
  if (!openClip.startsWith("3.3.")) {
    throw new UserError(
      "open_clip_unfit",
      `${python} has open_clip_torch ${openClip}; this launcher knows 3.3`,
      {
        hint: installHint(python),
      },
    );
  }
  if (!/^0\.2\.([0-9]|[1-7][0-9]|8[0-6])$/.test(webdataset)) {
    throw new UserError(
      "open_clip_unfit",
      `${python} has webdataset ${webdataset}; open_clip ${openClip} reads shards with 0.2.86 or earlier alone`,
      { hint: `${python} -m pip install "webdataset<=0.2.86"` },
    );
  }
  return { python: parsed.data.python, torch, openClip, webdataset, gpus: gpus ?? 0 };
}

function installHint(python: string): string {
  return `${python} -m pip install "open_clip_torch[training]==${openClipVersion}" tensorboard   (or name another Python with --python)`;
}

function runPython(
  python: string,
  program: string,
): Promise<{ stdout: string; stderr: string; exitCode: number | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, ["-c", program], { stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => (stdout += String(chunk)));
    child.stderr.on("data", (chunk) => (stderr += String(chunk)));
    child.on("error", (cause) => {
      reject(
        new UserError("python_missing", `There is no Python called ${python}`, {
          hint: `Install Python 3.9 or later and ${installHint("python3")}`,
          cause,
        }),
      );
    });
    child.on("close", (exitCode) => resolve({ stdout, stderr, exitCode }));
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
