export { blockBytes, decodeTarHeader, encodeTarHeader, TarMemberError } from "./tar/tarHeader.js";
export { packTar, TarPacker, tarBytesOf, type TarMember } from "./tar/packTar.js";
export { type TarEntry, type TarProblem, TarScanner, type TarScannerOptions } from "./tar/tarScanner.js";
export { scanTar } from "./tar/scanTar.js";
export {
  type Column,
  column,
  decodeTable,
  encodeTable,
  TableDamagedError,
  tableMetadata,
} from "./parquet/table.js";
export { CorruptSegmentError } from "./segment/corruptSegmentError.js";
export { segmentFile, writeSegment } from "./segment/writeSegment.js";
export {
  listSegments,
  type PicturePlace,
  readPictures,
  readSegmentPictures,
  readSegmentPlaces,
  readSegmentRows,
  type SegmentPlaces,
} from "./segment/readSegment.js";
export { readVerdicts, verdictsFile, writeVerdicts } from "./segment/verdicts.js";
export { candidatesFile, readCandidates, writeCandidates } from "./segment/candidates.js";
