export * from "./demoWeb/pictures/vocabulary.js";
export * from "./demoWeb/pictures/heldOut.js";
export * from "./demoWeb/pictures/pictureCaption.js";
export * from "./demoWeb/pictures/demoPicture.js";
export * from "./demoWeb/pictures/renderDemoPicture.js";
