import type { LaunchSettings } from "./launchSettings.js";
import type { LaunchedRunPaths } from "./launchedRun.js";

/**
 * A Kubernetes Job (and, for several nodes, the headless Service by which its pods find the first) that runs `launch.sh`
 * in one pod a node: plain batch/v1, indexed, no operator needed. The claim is mounted where its files are here, so that
 * every path holds. A pod that fails is started again and goes on from open_clip's newest checkpoint.
 */
export function kubernetesJob(
  { launch, device, name }: { launch: LaunchSettings; device: "cpu" | "cuda"; name: string },
  paths: LaunchedRunPaths,
): object {
  const { nodes, processes, image, claim, mount, namespace } = launch;
  const container = {
    name: "open-clip",
    image,
    command: ["bash", paths.script],
    ...(device === "cuda"
      ? { resources: { limits: { "nvidia.com/gpu": processes } } }
      : { resources: { requests: { cpu: String(processes) } } }),
    volumeMounts: [
      { name: "data", mountPath: mount },
      // loader processes hand over batches in shared memory; a container's own is 64 MiB
      { name: "shared-memory", mountPath: "/dev/shm" },
    ],
  };
  const job = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace },
    spec: {
      completions: nodes,
      parallelism: nodes,
      completionMode: "Indexed",
      backoffLimit: 3 * nodes,
      template: {
        metadata: { labels: { "pairloom-run": name } },
        spec: {
          restartPolicy: "Never",
          subdomain: name,
          containers: [container],
          volumes: [
            { name: "data", persistentVolumeClaim: { claimName: claim } },
            { name: "shared-memory", emptyDir: { medium: "Memory" } },
          ],
        },
      },
    },
  };
  if (nodes === 1) return job;
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: { clusterIP: "None", publishNotReadyAddresses: true, selector: { "pairloom-run": name } },
  };
  return { apiVersion: "v1", kind: "List", items: [service, job] };
}
