// SPDX-License-Identifier: Apache-2.0
//
// A second implementation of docs/seal.md, from that page and the RFCs it names, and its run over
// docs/seal-vectors.json: what Baton sealed is sealed here again octet by octet, and what
// Baton says of damaged, moved and repeated frames is said here as well.
//
//     node tests/seal/check.mjs docs/seal-vectors.json
//
// Of node's crypto it uses AES-ECB, SHA-256, X25519, HKDF's HMAC, ChaCha20-Poly1305 and Ed25519.
// AES-SIV is put together here.
import crypto from "node:crypto";
import fs from "node:fs";

const hex = (text) => Buffer.from(text, "hex");
const WAYS = {forward: 0, backward: 1, end: 2};
const TAG = {"aes-siv": 16, x25519: 16, ed25519: 64};

// ---- AES-SIV (RFC 5297), CMAC (RFC 4493)

function block(key, data) {
    const aes = crypto.createCipheriv(`aes-${key.length * 8}-ecb`, key, null);
    aes.setAutoPadding(false);
    return Buffer.concat([aes.update(data), aes.final()]);
}

const xor = (a, b) => Buffer.from(a.map((octet, i) => octet ^ b[i]));

function double(a) {
    const out = Buffer.alloc(16);
    for (let i = 0; i < 16; i++) {
        out[i] = (a[i] << 1 | (i < 15 ? a[i + 1] >> 7 : 0)) & 0xff;
    }
    out[15] ^= a[0] & 0x80 ? 0x87 : 0;
    return out;
}

const pad = (data) => Buffer.concat([data, Buffer.from([0x80])], 16);

function cmac(key, data) {
    const k1 = double(block(key, Buffer.alloc(16)));
    const whole = data.length > 0 && data.length % 16 === 0;
    const end = whole ? data.length - 16 : data.length - data.length % 16;
    const last = whole ? xor(data.subarray(end), k1)
                       : xor(pad(data.subarray(end)), double(k1));
    let x = Buffer.alloc(16);
    for (let i = 0; i < end; i += 16) {
        x = block(key, xor(x, data.subarray(i, i + 16)));
    }
    return block(key, xor(x, last));
}

function s2v(key, aad, plain) {
    let d = cmac(key, Buffer.alloc(16));
    d = xor(double(d), cmac(key, aad));
    if (plain.length < 16) {
        return cmac(key, xor(double(d), pad(plain)));
    }
    const end = plain.length - 16;
    return cmac(key, Buffer.concat([plain.subarray(0, end), xor(plain.subarray(end), d)]));
}

function ctr(key, v, data) {
    const q = Buffer.from(v);
    q[8] &= 0x7f;
    q[12] &= 0x7f;
    const aes = crypto.createCipheriv(`aes-${key.length * 8}-ctr`, key, q);
    return Buffer.concat([aes.update(data), aes.final()]);
}

function sivSeal(secret, aad, plain) {
    const half = secret.length / 2;
    const v = s2v(secret.subarray(0, half), aad, plain);
    return Buffer.concat([ctr(secret.subarray(half), v, plain), v]);
}

function sivOpen(secret, aad, rest) {
    const half = secret.length / 2;
    const v = rest.subarray(-16);
    const plain = ctr(secret.subarray(half), v, rest.subarray(0, -16));
    return s2v(secret.subarray(0, half), aad, plain).equals(v) ? plain : null;
}

// ---- x25519 and ed25519. A raw key is what stands behind a fixed beginning of PKCS #8 or SPKI.

function keyOf(kind, secret, octets) {
    const oid = kind === "x25519" ? "2b656e" : "2b6570";
    const der = secret ? `302e020100300506032b65${oid.slice(4)}04220420`
                       : `302a30050603${oid}032100`;
    const options = {key: Buffer.concat([hex(der), octets]), format: "der",
                     type: secret ? "pkcs8" : "spki"};
    return secret ? crypto.createPrivateKey(options) : crypto.createPublicKey(options);
}

const hmac = (key, ...parts) =>
    crypto.createHmac("sha256", key).update(Buffer.concat(parts)).digest();

function boxKey(own, from, to, other, nonce) {
    const shared = crypto.diffieHellman({privateKey: keyOf("x25519", true, own),
                                         publicKey: keyOf("x25519", false, other)});
    const prk = hmac(Buffer.from("baton uui box 1"), shared);
    const info = Buffer.concat([from, to, nonce]);
    const t1 = hmac(prk, info, Buffer.from([1]));
    const t2 = hmac(prk, t1, info, Buffer.from([2]));
    return {key: t1, nonce: t2.subarray(0, 12)};
}

function chacha(k, aad, data, tag) {
    const make = tag ? crypto.createDecipheriv : crypto.createCipheriv;
    const x = make("chacha20-poly1305", k.key, k.nonce, {authTagLength: 16});
    x.setAAD(aad, {plaintextLength: data.length});
    if (tag) {
        x.setAuthTag(tag);
    }
    const out = Buffer.concat([x.update(data), x.final()]);
    return tag ? out : Buffer.concat([out, x.getAuthTag()]);
}

// ---- the frame

function associated(about, header) {
    const name = (text) => Buffer.concat([Buffer.from([text.length]),
                                          Buffer.from(text.toLowerCase())]);
    return Buffer.concat([Buffer.from("baton uui seal 1"), name(about.package),
                          name(about.content), Buffer.from([0, WAYS[about.way]]), header]);
}

function header(id, time, salt) {
    const idOctets = id > 127 ? [0x80 | id >> 8, id & 0xff] : [id];
    const at = Buffer.alloc(4);
    at.writeUInt32BE(time);
    return Buffer.concat([Buffer.from([salt ? 0xb3 : 0xb2, ...idOctets]), at,
                          salt ?? Buffer.alloc(0)]);
}

/** null: not sealed; undefined: malformed */
function parse(frame) {
    if (frame.length < 2 || frame[0] !== 0 || (frame[1] & 0xfe) !== 0xb2) {
        return null;
    }
    const wide = frame.length > 2 && frame[2] > 127;
    const salted = (frame[1] & 1) === 1;
    const timeAt = wide ? 4 : 3;
    const end = timeAt + 4 + (salted ? 8 : 0);
    if (frame.length <= end) {
        return undefined;
    }
    const id = wide ? (frame[2] & 0x7f) << 8 | frame[3] : frame[2];
    if (id === 0 || (wide && id < 128)) {
        return undefined;
    }
    return {id, salted, time: frame.readUInt32BE(timeAt), header: frame.subarray(1, end),
            timeOctets: frame.subarray(timeAt, timeAt + 4), rest: frame.subarray(end)};
}

/** Sealed by A. `random`: the 20 octets of x25519. */
function seal(key, about, time, salt, random, plain) {
    const h = header(key.id, time, salt);
    const a = associated(about, h);
    let rest;
    if (key.algorithm === "aes-siv") {
        rest = sivSeal(key.secretA, a, plain);
    } else if (key.algorithm === "x25519") {
        const n = Buffer.concat([parse(Buffer.concat([Buffer.from([0]), h, random])).timeOctets,
                                 random]);
        const k = boxKey(key.secretA, key.publicA, key.publicB, key.publicB, n);
        rest = Buffer.concat([random, chacha(k, a, plain)]);
    } else {
        const text = Buffer.concat([a, plain]);
        rest = Buffer.concat([plain,
                              crypto.sign(null, text, keyOf("ed25519", true, key.secretA))]);
    }
    return {a, frame: Buffer.concat([Buffer.from([0]), h, rest])};
}

/** The octets, opened by B, or null. */
function open(key, a, f) {
    if (key.algorithm === "aes-siv") {
        return sivOpen(key.secretA, a, f.rest);
    }
    if (key.algorithm === "x25519") {
        const n = Buffer.concat([f.timeOctets, f.rest.subarray(0, 20)]);
        const k = boxKey(key.secretB, key.publicA, key.publicB, key.publicA, n);
        try {
            return chacha(k, a, f.rest.subarray(20, -16), f.rest.subarray(-16));
        } catch {
            return null;
        }
    }
    const body = f.rest.subarray(0, -64);
    const good = crypto.verify(null, Buffer.concat([a, body]),
                               keyOf("ed25519", false, key.publicA), f.rest.subarray(-64));
    return good ? body : null;
}

function judge(keys, memory, window, v) {
    const f = parse(hex(v.frame));
    if (f === null) {
        return ["not-sealed"];
    }
    if (f === undefined) {
        return ["malformed"];
    }
    const key = keys.get(f.id);
    if (!key) { // too short for any algorithm is told before the key is looked for
        return [f.rest.length > 16 ? "unknown-key" : "malformed"];
    }
    const adds = TAG[key.algorithm] + (key.algorithm === "x25519" ? 20 : 0);
    if (f.rest.length <= adds || (f.salted && key.algorithm === "x25519")) {
        return ["malformed"];
    }
    const plain = open(key, associated(v, f.header), f);
    if (plain === null) {
        return ["forged"];
    }
    if (Math.abs(v.at - f.time | 0) > window) {
        return ["stale"];
    }
    const known = memory.get(v.frame) ?? v.message;
    memory.set(v.frame, known);
    return known === v.message ? ["ok", plain.toString("hex")] : ["replayed"];
}

// ---- the run

const vectors = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const keys = new Map();
for (const row of vectors.keys) {
    const key = {id: row.id, algorithm: row.algorithm};
    for (const name of ["secretA", "publicA", "secretB", "publicB"]) {
        key[name] = row[name] && hex(row[name]);
    }
    keys.set(row.id, key);
}

let wrong = 0;
function expect(what, got, want) {
    if (got !== want) {
        wrong++;
        console.log(`${what}:\n  is     ${got}\n  wanted ${want}`);
    }
}

vectors.seal.forEach((v, i) => {
    const key = keys.get(v.key);
    const f = parse(hex(v.frame));
    const salt = v.salted ? f.header.subarray(-8) : null;
    const random = f.rest.subarray(0, 20);
    const made = seal(key, v, v.time, salt, random, hex(v.plain));
    expect(`seal ${i}, associated data`, made.a.toString("hex"), v.aad);
    expect(`seal ${i}, frame`, made.frame.toString("hex"), v.frame);
    expect(`seal ${i}, opened`, open(key, associated(v, f.header), f)?.toString("hex"), v.plain);
});
const memory = new Map();
vectors.open.forEach((v) => {
    const [result, plain] = judge(keys, memory, vectors.window, v);
    expect(v.what, result, v.result);
    expect(v.what, plain, v.plain);
});
const whole = vectors.open.filter((v) => v.result === "ok").length;
if (whole < 2 * vectors.keys.length || vectors.seal.length < 20 || vectors.open.length < 50) {
    wrong++;
    console.log("there are too few vectors");
}
console.log(`${vectors.seal.length} frames sealed again, ${vectors.open.length} opened, ${wrong} wrong`);
process.exit(wrong === 0 ? 0 : 1);
