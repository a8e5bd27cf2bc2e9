// Mistakes by chance, the same with the same seed: bytes that are flipped, left out, doubled, mixed with others.

// mulberry32: numbers in [0, 1)
export function chance(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const below = (random, n) => Math.floor(random() * n);
export const pick = (random, list) => list[below(random, list.length)];

// Texts at which parsers tend to be wrong.
const BAITS = ['', '\0', '\x1e', '\r\n', '\r\n\r\n', ' ', ',', ':', ';', '-', '"', '\\', '\\ud800', '[', ']', '{', '}', '[[[[[[[[[[[[[[[[', '{"a":', 'null', '1e999', '-0',
  '99999999999999999999', '4294967296', '-1', '18446744073709551616', '_placeholder', '{"_placeholder":true,"num":0}', '51-', '61-1', '451-', '42', '40', '41', '2probe', '/', '?',
  '__proto__', '\xff', '\xf8\x88\x80\x80\x80', '\xed\xa0\x80', '\xc0\x80', '\xef\xbb\xbf', '\x81\xfe\xff\xff', '\x88\x80', '\x89\xff', '\x00\x00\xff\xff', 'chunked', 'a'.repeat(300), '%00', '%2e%2e/']
  .map((text) => Buffer.from(text, 'latin1'));

const ways = [
  (r, data) => { const copy = Buffer.from(data); for (let n = 1 + below(r, 3); n > 0 && copy.length; n -= 1) copy[below(r, copy.length)] ^= 1 << below(r, 8); return copy; },
  (r, data) => { const copy = Buffer.from(data); if (copy.length) copy[below(r, copy.length)] = pick(r, [0, 0xff, 0x7f, 0x80, 0x0a, 0x20, 0x22, 0x5b]); return copy; },
  (r, data) => { const at = below(r, data.length + 1); return Buffer.concat([data.subarray(0, at), data.subarray(at + below(r, 9))]); },
  (r, data) => { const at = below(r, data.length + 1), end = at + below(r, 33); return Buffer.concat([data.subarray(0, end), data.subarray(at)]); },
  (r, data) => { const at = below(r, data.length + 1); return Buffer.concat([data.subarray(0, at), pick(r, BAITS), data.subarray(at)]); },
  (r, data) => { const at = below(r, data.length + 1), bait = pick(r, BAITS); return Buffer.concat([data.subarray(0, at), bait, data.subarray(at + bait.length)]); },
  (r, data, other) => Buffer.concat([data.subarray(0, below(r, data.length + 1)), other.subarray(below(r, other.length + 1))]),
  (r, data) => data.subarray(0, below(r, data.length + 1)),
];

// data with a few mistakes; some may be a part of other.
export function mutate(random, data, other = data) {
  let result = data;
  for (let n = 1 + below(random, 3); n > 0; n -= 1) result = pick(random, ways)(random, result, other);
  return result;
}

// data in pieces, as a network may bring it.
export function pieces(random, data) {
  if (random() < 0.5 || data.length < 2) return [data];
  const list = [];
  for (let at = 0; at < data.length;) {
    const size = 1 + below(random, random() < 0.5 ? 4 : data.length);
    list.push(data.subarray(at, at + size));
    at += size;
  }
  return list.slice(0, 40).concat(list.length > 40 ? [Buffer.concat(list.slice(40))] : []);
}
