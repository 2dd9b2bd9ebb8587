import { loadEngine } from "@pairloom/engine";
const engine = await loadEngine("tensorflow", { cacheDir: "/root/.cache/pairloom", threads: 2 });
const { tf } = engine; const be=tf.backend(); const b=be.binding;
const op=(name,attrs,ins)=>be.createOutputTensor(b.executeOp(name,attrs,be.getInputTensorIds(ins),1)[0]);
const T={name:"T",type:b.TF_ATTR_TYPE,value:1}; const B=(name,value)=>({name,type:b.TF_ATTR_BOOL,value});
const time=(label,flop,f)=>{for(let i=0;i<3;i++)f().dispose();const n=Math.max(3,Math.round(0.5e12/flop*0.5));const t=performance.now();for(let i=0;i<n;i++)f().dispose();const ms=(performance.now()-t)/n;console.log(label,ms.toFixed(2)+"ms",(flop/ms/1e6).toFixed(0)+" GFLOP/s");};
for(const [m,k,n] of [[800,768,3072],[800,3072,768],[1232,512,2048],[4160,128,512],[4160,512,128]]){
 const x=tf.randomNormal([m,k]),w=tf.randomNormal([k,n]),dy=tf.randomNormal([m,n]);
 const f=2*m*k*n;
 for(const [ta,tb,a,c,l] of [[false,false,x,w,"xw"],[false,true,dy,w,"dy wT"],[true,false,x,dy,"xT dy"]]){
 time(`${m}x${k}x${n} BMMV2 ${l}`,f,()=>op("BatchMatMulV2",[T,B("adj_x",ta),B("adj_y",tb)],[a,c]));
 time(`${m}x${k}x${n} MatMul ${l}`,f,()=>op("MatMul",[T,B("transpose_a",ta),B("transpose_b",tb)],[a,c]));}
}
