const chunkBytes = 16 << 20;

/** Pixels of many pictures in a few pieces of shared memory, which all threads of the process see without a copy. */
export class PixelPool {
  private free = new Uint8Array(new SharedArrayBuffer(0));

  /** Copies the pixels in; gives a view of shared memory. */
  put(pixels: Uint8Array): Uint8Array {
    const bytes = pixels.byteLength;
    if (this.free.byteLength < bytes) {
      this.free = new Uint8Array(new SharedArrayBuffer(Math.max(chunkBytes, bytes)));
    }
    const place = this.free.subarray(0, bytes);
    place.set(pixels);
    this.free = this.free.subarray(bytes);
    return place;
  }
}
