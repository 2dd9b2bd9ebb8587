import { loadEngine } from "@pairloom/engine";
const engine = await loadEngine("tensorflow", { cacheDir: "/root/.cache/pairloom", threads: 2 });
const { tf } = engine; const be=tf.backend(); const b=be.binding;
const T=(v,n="T")=>({name:n,type:b.TF_ATTR_TYPE,value:v}); const B=(name,value)=>({name,type:b.TF_ATTR_BOOL,value});
const raw=(t)=>b.executeOp("Cast",[T(1,"SrcT"),T(14,"DstT")],be.getInputTensorIds([t]),1)[0].id;
const op=(name,attrs,ids)=>b.executeOp(name,attrs,ids,1)[0].id;
const time=(label,flop,f)=>{for(let i=0;i<3;i++)b.deleteTensor(f());const n=Math.max(3,Math.round(0.5e12/flop*0.7));const t=performance.now();for(let i=0;i<n;i++)b.deleteTensor(f());const ms=(performance.now()-t)/n;console.log(label,ms.toFixed(2)+"ms",(flop/ms/1e6).toFixed(0)+" GFLOP/s");};
for(const [m,k,n] of [[800,768,3072],[800,3072,768],[800,768,768],[1232,512,2048],[4160,128,512],[4160,512,128],[4160,128,128]]){
 const x=raw(tf.randomNormal([m,k])),w=raw(tf.randomNormal([k,n])),dy=raw(tf.randomNormal([m,n]));
 const f=2*m*k*n;
 for(const [ta,tb,a,c,l] of [[false,false,x,w,"xw"],[false,true,dy,w,"dy wT"],[true,false,x,dy,"xT dy"]]){
 time(`${m}x${k}x${n} BMMV2 ${l}`,f,()=>op("BatchMatMulV2",[T(14),B("adj_x",ta),B("adj_y",tb)],[a,c]));
 time(`${m}x${k}x${n} MatMul ${l}`,f,()=>op("MatMul",[T(14),B("transpose_a",ta),B("transpose_b",tb)],[a,c]));}
}
for (const [g,t,d] of [[192,50,64],[128,77,64],[128,65,64]]) { const q=raw(tf.randomNormal([g,t,d])),k=raw(tf.randomNormal([g,t,d])); time(`attention ${g} ${t} ${d} bf16 qkT`,2*g*t*t*d,()=>op("BatchMatMulV2",[T(14),B("adj_x",false),B("adj_y",true)],[q,k]));
 const q2=tf.randomNormal([g,t,d]),k2=tf.randomNormal([g,t,d]); const ids=be.getInputTensorIds([q2,k2]); time(`attention ${g} ${t} ${d} f32 qkT`,2*g*t*t*d,()=>op("BatchMatMulV2",[T(1),B("adj_x",false),B("adj_y",true)],ids));
 const s=raw(tf.randomNormal([g,t,t])); time(`attention ${g} ${t} ${d} bf16 sv`,2*g*t*t*d,()=>op("BatchMatMulV2",[T(14),B("adj_x",false),B("adj_y",false)],[s,k]));
 const s2=be.getInputTensorIds([tf.randomNormal([g,t,t])]); time(`attention ${g} ${t} ${d} f32 sv`,2*g*t*t*d,()=>op("BatchMatMulV2",[T(1),B("adj_x",false),B("adj_y",false)],[s2[0],ids[1]]));
}
