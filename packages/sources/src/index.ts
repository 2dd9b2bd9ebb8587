export * from "./source.js";
export * from "./expandQuery.js";
export * from "./search/searchAnswer.js";
export * from "./search/searchSource.js";
export { type ReadVariable, scrubSecrets } from "./search/searchTemplate.js";
export * from "./site/siteScope.js";
export * from "./site/siteSource.js";
export * from "./site/parseSitemap.js";
export * from "./handOver.js";
export * from "./demoWeb/pictures/vocabulary.js";
export * from "./demoWeb/pictures/heldOut.js";
export * from "./demoWeb/pictures/pictureCaption.js";
export * from "./demoWeb/pictures/demoPicture.js";
export * from "./demoWeb/pictures/renderDemoPicture.js";
export { imageFates, type ImageFate, type ImageFateName } from "./demoWeb/plan/imageFates.js";
export { pageFates, type PageFate, type PageFateName } from "./demoWeb/plan/pageFates.js";
export type { DemoPlan, PlacedImage, PlannedImage, PlannedPage } from "./demoWeb/plan/demoPlan.js";
export type { DemoPageRoute, DemoRoute } from "./demoWeb/plan/demoRoutes.js";
export type { DemoRequest } from "./demoWeb/serve/demoHandler.js";
export {
  startDemoWeb,
  type DemoWeb,
  type DemoWebOptions,
  type DemoWebStats,
} from "./demoWeb/startDemoWeb.js";
export { forkDemoWeb, type ForkedDemoWeb, type ForkDemoWebOptions } from "./demoWeb/forkDemoWeb.js";
export * from "./demoWeb/demoQueries.js";
