import { loadModelConfig, initialParameters } from "@pairloom/clip";
import { loadEngine } from "@pairloom/engine";
import { benchModel, StepVariables, openTrainingStep, resolveTrainSettings, accumulates } from "@pairloom/training";
const [which="vitb32",B="16",extra="{}"]=process.argv.slice(2);
const rss=(l)=>console.log(l,Math.round(process.memoryUsage.rss()/2**20), "heap", Math.round(process.memoryUsage().heapUsed/2**20),"ext",Math.round(process.memoryUsage().external/2**20),"ab",Math.round(process.memoryUsage().arrayBuffers/2**20));
const engine=await loadEngine("tensorflow",{cacheDir:"/tmp/cache3",threads:2}); rss("engine");
const config=await benchModel(which);
const settings=resolveTrainSettings({batchSize:+B,data:"x",out:"y",steps:1,...JSON.parse(extra)});
let state=initialParameters(config,0); rss("state");
const v=new StepVariables(config,state,settings,{accumulates:accumulates(settings)}); rss("variables");
state=null; globalThis.gc?.(); rss("gc");
const step=openTrainingStep(engine,v,settings); rss("opened"); globalThis.gc?.(); rss("gc2");
const side=which==="small"?64:224; const T=config.text_cfg.context_length;
const batch={images:new Float32Array(+B*side*side*3).map(()=>Math.random()),tokens:new Int32Array(+B*T).map((_,i)=>i%T===T-1?config.text_cfg.vocab_size-1:1+i%900)};
for(let i=1;i<=12;i++){const t=performance.now();await step.run(batch,i,1e-4);rss("step "+i+" "+Math.round(performance.now()-t));}
