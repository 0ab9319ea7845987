// The files of a model: JSON, and arrays as safetensors has them.

/** A reader of the files below an address: of their bytes, as JSON, and as arrays by name. */
export function filesBelow(address) {
  const bytes = async (name) => {
    const response = await fetch(new URL(name, address));
    if (!response.ok) throw new Error(`${name} cannot be read (${response.status} ${response.statusText}).`);
    return response.arrayBuffer();
  };
  return {
    bytes,
    json: async (name) => JSON.parse(new TextDecoder().decode(await bytes(name))),
    arrays: async (name) => arraysOf(await bytes(name)),
  };
}

const KINDS = { F32: Float32Array, F64: Float64Array, I32: Int32Array, I64: BigInt64Array, F16: Uint16Array };

/** {name: {values, shape}} of a safetensors file; whole numbers of 64 bits and floats of 16 are made numbers. */
export function arraysOf(buffer) {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const found = {};
  for (const [name, { dtype, shape, data_offsets: [start, end] }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const stored = new KINDS[dtype](buffer.slice(8 + length + start, 8 + length + end)); // a copy is aligned
    const values = dtype === "I64" ? Float64Array.from(stored, Number) : dtype === "F16" ? wider(stored) : stored;
    found[name] = { values, shape };
  }
  return found;
}

/** Numbers of 16 bits (IEEE 754 binary16) as those of 32. */
function wider(halves) {
  return Float32Array.from(halves, (bits) => {
    const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 0x3ff;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
  });
}

/** The value at each of `size` places, of runs written as [start, value, start, value, ...]. */
export function unrolled(runs, size) {
  const values = new Uint8Array(size);
  for (let i = 0; i < runs.length; i += 2) values.fill(runs[i + 1], runs[i], runs[i + 2] ?? size);
  return values;
}
