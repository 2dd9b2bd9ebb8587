import { createParameters, initialParameters, lossAndGradients, parseModelConfig, loadModelConfig } from "@pairloom/clip";
import { loadEngine } from "@pairloom/engine";
import { compilePrograms } from "../packages/engine/dist/tensorflow/compiled/compilePrograms.js";
import { writeFileSync } from "node:fs";
const [which="small", precision="float32", steps="12"] = process.argv.slice(2);
const engine = await loadEngine("tensorflow", { cacheDir: "/root/.cache/pairloom", threads: 2 });
const { tf } = engine;
const small = parseModelConfig({embed_dim:128,quick_gelu:true,vision_cfg:{image_size:64,patch_size:8,width:128,layers:4,head_width:64},text_cfg:{context_length:32,vocab_size:1000,width:128,heads:2,layers:4}},"small");
const config = which==="small"?small:await loadModelConfig({vitb32:"ViT-B-32",rn50:"RN50"}[which]);
const B={small:64,vitb32:16,rn50:8}[which]; const side=which==="small"?64:224; const T=config.text_cfg.context_length;
const parameters = createParameters(config, initialParameters(config, 1));
const images=tf.randomNormal([B,side,side,3]);
const ids=Int32Array.from({length:B*T},(_,i)=>i%T===T-1?config.text_cfg.vocab_size-1:i%T===0?config.text_cfg.vocab_size-2:1+((i*7919)%(config.text_cfg.vocab_size-3)));
const tokens=tf.tensor2d(ids,[B,T],"int32");
const variables=new Map(parameters); const keys=[...parameters].filter(([,v])=>v.trainable).map(([k])=>k);
for(const k of keys) for(const m of ["m.","v."]) variables.set(m+k, tf.tidy(()=>tf.variable(tf.zeros(parameters.get(k).shape),false)));
const rates=tf.tensor1d([1e-3,10,7]);
const source={samples:[images,tokens,rates],run([images,tokens,rates]){
  const r=lossAndGradients(parameters,config,images,tokens);
  const norm=tf.sqrt(engine.ops.squaredNorm([...r.gradients.values()]));
  const clip=tf.minimum(1,tf.div(1,tf.add(norm,1e-6)));
  const all=tf.concat([tf.reshape(clip,[1]),rates,tf.tensor1d([1])]);
  for(const k of keys){const p=parameters.get(k); engine.ops.adamwStep(p,variables.get("m."+k),variables.get("v."+k),r.gradients.get(k),all,{rateScale:1,beta1:.9,beta2:.98,epsilon:1e-6,weightDecay:p.rank<2?0:.2});}
  for(const [k,s] of r.batchStatistics) parameters.get(k).assign(s);
  return [r.loss,norm];
}};
let t0=performance.now();
const open=compilePrograms(tf);
const programs=open({step:source},{variables,precision});
console.log("compiled in",((performance.now()-t0)/1000).toFixed(1),"s");
const times=[];
for(let i=0;i<+steps;i++){const t=performance.now();const out=programs.run("step",[images,tokens,rates]);const l=out[0].dataSync()[0];tf.dispose(out);times.push(performance.now()-t);if(i<3||i===+steps-1)console.log(i,l,times.at(-1).toFixed(0));else if(process.env.V)console.log(i,times.at(-1).toFixed(0),Math.round(process.memoryUsage.rss()/2**20),JSON.stringify(process.resourceUsage().minorPageFault), process.resourceUsage().systemCPUTime/1e6|0,process.resourceUsage().userCPUTime/1e6|0);}
const s=times.slice(2).sort((a,b)=>a-b);const med=s[s.length>>1];
console.log(JSON.stringify({which,precision,B,ms:+med.toFixed(1),samples:+(B/med*1000).toFixed(1),rss:Math.round(process.memoryUsage.rss()/2**20)}));
