/** The part of WebAssembly's JavaScript interface that we use; TypeScript types it in its DOM library alone. */
interface WebAssemblyInterface {
  Memory: new (limits: { initial: number; maximum: number }) => GrowingMemory;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: Record<string, unknown> };
}

export interface GrowingMemory {
  /** Another one each time that it grew. */
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export const webAssembly = (globalThis as unknown as { WebAssembly: WebAssemblyInterface }).WebAssembly;
