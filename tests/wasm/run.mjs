// node run.mjs PROGRAM GOLDEN: runs every line of the golden file in WebAssembly, and compares.
import { readFileSync } from "node:fs";

const [program, golden] = process.argv.slice(2);
const wanted = readFileSync(golden, "utf8").trimEnd().split("\n");
const { instance } = await WebAssembly.instantiate(readFileSync(program), {});
const { memory, lines, run } = instance.exports;
let wrong = 0;
for (let i = 0; i < Math.max(lines(), wanted.length); i++) {
  const at = BigInt.asUintN(64, run(i));
  const bytes = new Uint8Array(memory.buffer, Number(at >> 32n), Number(at & 0xffffffffn));
  const line = new TextDecoder().decode(bytes);
  if (line !== wanted[i]) {
    wrong += 1;
    console.log(`wasm   ${line}\nnative ${wanted[i]}`);
  }
}
console.log(`${wanted.length - wrong} of ${wanted.length} digests are those of the native run`);
process.exit(wrong === 0 ? 0 : 1);
