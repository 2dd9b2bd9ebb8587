export interface Ports {
  port: number;
  securePort: number;
  closedPort: number;
}
export const hostCount: number;
export const wrongHosts: Record<"dying" | "closed" | "silent", { address: string; count: number }>;
export function rowOf(n: number, ports: Ports): { url: string; reason: string | null; host: string };
