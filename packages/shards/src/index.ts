export { blockBytes, decodeTarHeader, encodeTarHeader, TarMemberError } from "./tar/tarHeader.js";
export { packTar, TarPacker, tarBytesOf, type TarMember } from "./tar/packTar.js";
export type { TarEntry } from "./tar/tarEntry.js";
export { type TarProblem, TarScanner, type TarScannerOptions } from "./tar/tarScanner.js";
export { scanTar } from "./tar/scanTar.js";
export { type MemberGroup, MemberGrouper } from "./reader/groupSamples.js";
export {
  type Column,
  column,
  decodeTable,
  encodeTable,
  TableDamagedError,
  tableMetadata,
} from "./parquet/table.js";
export { CorruptSegmentError } from "./segment/corruptSegmentError.js";
export { checkSegment, checkTar, segmentOfTar } from "./segment/checkSegment.js";
export { segmentFile, writeSegment } from "./segment/writeSegment.js";
export {
  listSegments,
  type PicturePlace,
  readPictures,
  readSegment,
  readSegmentPictures,
  readSegmentPlaces,
  readSegmentRows,
  type Segment,
  type SegmentPlaces,
} from "./segment/readSegment.js";
export { readVerdicts, verdictsFile, writeVerdicts } from "./segment/verdicts.js";
export { candidatesFile, readCandidates, writeCandidates } from "./segment/candidates.js";
export {
  findPlan,
  type PlanInput,
  type PlanSummary,
  readPlan,
  readPlanRejected,
  readPlanShard,
  writePlan,
} from "./release/releasePlan.js";
export { shardName } from "./release/shardName.js";
export { type ShardRow, shardColumns, shardRow, type TableRow, tableColumns } from "./release/shardTable.js";
export { readShardInfo, type ShardInfo } from "./release/shardInfo.js";
export { type ShardJob, writeShard } from "./release/writeShard.js";
export { finishRelease } from "./release/finishRelease.js";
export * from "./reader.js";
export type { DataCard } from "./release/dataCard.js";
export type { ReleaseProblem } from "./verify/problem.js";
export {
  type Verification,
  verifyRelease,
  type VerifyOptions,
  type VerifyProgress,
} from "./verify/verifyRelease.js";
export type { PictureCheck } from "./verify/scanShard.js";
export { type Repair, repairRelease, type RepairOptions } from "./repair/repairRelease.js";
export type { Quantiles } from "./inspect/quantiles.js";
export { type ChosenSample, type Survey, surveyShards, type SurveyOptions } from "./inspect/surveyShards.js";
