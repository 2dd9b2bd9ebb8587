import { openProject, type Project } from "../project/openProject.js";

export interface ProjectOptions {
  dir: string;
  json?: boolean;
}

/** Runs `work` with the project open. */
export async function withProject<T>(
  options: ProjectOptions,
  work: (project: Project) => Promise<T>,
): Promise<T> {
  const project = await openProject(options);
  try {
    return await work(project);
  } finally {
    await project.close();
  }
}
