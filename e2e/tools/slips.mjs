/**
 * The peer of our slips in `make bench`: receiptline and receiptio (npm, Apache-2.0).
 * The first line of input is the slip in receiptline's markdown, as a JSON string.
 * Each further line asks for one slip, "text" or "raster"; the answer is one line,
 * {"ms": …, "bytes": …}, and the clock runs only while the peer works.
 */
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
const { transform } = require("receiptline");
const { print } = require("receiptio");

const printer = {
  cpl: 48,
  encoding: "shiftjis",
  command: "escpos",
  spacing: true,
  cutting: true,
  gradient: false,
  threshold: 128,
  upsideDown: false,
};

const ways = {
  text: (slip) => transform(slip, printer),
  // Black and white, as ours: a threshold, no dithering.
  raster: (slip) => print(slip, "-p generic -c 48 -i -b 128 -l ja"),
};

let slip;
for await (const line of createInterface({ input: process.stdin })) {
  if (slip === undefined) {
    slip = JSON.parse(line);
    continue;
  }
  const began = process.hrtime.bigint();
  const commands = Buffer.from(await ways[line](slip), "latin1");
  const ms = Number(process.hrtime.bigint() - began) / 1e6;
  // A picture is what was asked for: without sharp, receiptio silently gives text.
  if (line === "raster" && !commands.includes("\x1dv0", 0, "latin1")) throw new Error("receiptio drew nothing");
  process.stdout.write(JSON.stringify({ ms, bytes: commands.length }) + "\n");
}
