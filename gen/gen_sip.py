#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the SIP vocabulary from its two text tables.

    gen_sip.py sip_headers.txt sip_methods.txt vocab.h vocab_tab.h vocab.c chars.h chars.c

vocab.h      the enums that everyone uses: enum sip_hdr_id, enum sip_method
vocab_tab.h  declarations of the tables and the constants of the two perfect hashes,
             for sip/names.h alone
vocab.c      the tables
chars.h, chars.c  the character classes of RFC 3261 §25.1, one bit each

A name is found without probing: its last eight octets (all of it, when it is shorter) are
taken as a number, its length and first octet are added, and the sum is multiplied by a
constant for which no two names of the table fall on one slot; one to three comparisons of
numbers then decide. The constant is searched for here, always in
the same order, so that the output depends on nothing but the input.
"""

import itertools
import random
import sys

FLAGS = {"list": "SIP_HDRF_LIST", "single": "SIP_HDRF_SINGLE", "hop": "SIP_HDRF_HOP",
         "own": "SIP_HDRF_OWN", "uri": "SIP_HDRF_URI"}
NAME_CAP = 24  # octets kept for the comparison
ALNUM = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
UNRESERVED = ALNUM + "-_.!~*'()"
# '#' in a user part and '_' in a host name are against the grammar but sent by phones.
CLASSES = [
    ("TOKEN", ALNUM + "-.!%*_+`'~", "token"),
    ("WORD", ALNUM + "-.!%*_+`'~()<>:\\\"/[]?{}", "word, without '@'"),
    ("USER", UNRESERVED + "&=+$,;?/#", "user, without escapes; also '#'"),
    ("PASSWORD", UNRESERVED + "&=+$,", "password, without escapes"),
    ("PARAM", UNRESERVED + "[]/:&+$", "paramchar, without escapes"),
    ("HNV", UNRESERVED + "[]/?:+$", "hname and hvalue, without escapes"),
    ("URIC", "".join(chr(c) for c in range(0x21, 0x7f) if chr(c) not in '<>"'),
     "printable but <, > and quote: the opaque part of other schemes"),
    ("HOST", ALNUM + "-._", "hostname and IPv4address; also '_'"),
    ("DIGIT", "0123456789", "DIGIT"),
    ("HEX", "0123456789abcdefABCDEF", "HEXDIG"),
    ("WS", " \t\r\n", "what LWS is made of"),
    ("GEN", ALNUM + "-.!%*_+`'~[]:/?@&=$#{}|^()\\", "octets of an unquoted generic parameter value"),
    ("PHONE", "0123456789-.()*#abcdefABCDEF+", "number of RFC 3966 §3, global or local"),
    ("ALPHA", ALNUM[:52], "ALPHA"),
    ("SCHEME", ALNUM + "+-.", "scheme, after its first letter"),
    ("UNRESERVED", UNRESERVED, "unreserved"),
]
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"


def fail(path, number, text):
    sys.exit(f"{path}:{number}: {text}")


def rows(path):
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.strip()
            if line and not line.startswith("#"):
                yield number, line.split()


def read_headers(path):
    headers, seen = [], set()
    for number, row in rows(path):
        if len(row) < 4:
            fail(path, number, "want NAME COMPACT FLAGS SOURCE")
        name, compact, flags = row[:3]
        if not all(c.isascii() and (c.isalpha() or c == "-") for c in name):
            fail(path, number, f"{name}: only letters and '-' are folded right")
        if not 2 <= len(name) <= NAME_CAP:
            fail(path, number, f"{name}: length not in 2..{NAME_CAP}")
        if compact != "-" and not (len(compact) == 1 and "a" <= compact <= "z"):
            fail(path, number, f"{compact}: a compact form is one lower-case letter")
        flags = [] if flags == "-" else flags.split(",")
        for flag in flags:
            if flag not in FLAGS:
                fail(path, number, f"unknown flag {flag}")
        for key in (name.lower(), compact):
            if key != "-" and key in seen:
                fail(path, number, f"{key} occurs twice")
            seen.add(key)
        headers.append((name, compact, flags))
    if len(headers) > 250:
        sys.exit(f"{path}: ids are octets")
    return headers


def read_methods(path):
    methods = []
    for number, row in rows(path):
        if row[0] in methods:
            fail(path, number, f"{row[0]} occurs twice")
        methods.append(row[0])
    return methods


def words(key):
    """The octets as little-endian numbers: last eight, first eight, second eight."""
    n = len(key)
    number = lambda part: int.from_bytes(part, "little")
    if n <= 8:
        return number(key), 0, 0
    return number(key[n - 8:]), number(key[:8]), number(key[8:16]) if n > 16 else 0


def mix(key):
    return words(key)[0] + len(key) + (key[0] << 32)


def slot_of(key, mul, bits):
    return (mix(key) * mul & (1 << 64) - 1) >> (64 - bits)


def perfect(keys, bits):
    """A multiplier for which all keys have slots of their own."""
    sums = [mix(k) for k in keys]
    if len(set(sums)) != len(keys):
        sys.exit("two names agree in length, first octet and last eight octets")
    rnd = random.Random(3261)
    for _ in range(1_000_000):
        mul = rnd.getrandbits(64) | 1
        slots = set()
        for value in sums:
            slot = (value * mul & (1 << 64) - 1) >> (64 - bits)
            if slot in slots:
                break
            slots.add(slot)
        else:
            return mul
    sys.exit("no perfect hash found: double the table")


def macro(name):
    return name.upper().replace("-", "_")


def numbers(name):
    return ", ".join(f"0x{w:x}U" for w in words(name.encode()))


def c_bytes(values):
    lines = []
    it = iter(values)
    while chunk := list(itertools.islice(it, 16)):
        lines.append("    " + ", ".join(str(v) for v in chunk) + ",")
    return "\n".join(lines)


def write_enums(path, headers, methods):
    with open(path, "w", encoding="utf-8") as f:
        f.write(SPDX + "/* Made by gen/gen_sip.py from gen/sip_headers.txt and "
                "gen/sip_methods.txt. */\n#ifndef BATON_SIP_VOCAB_H\n#define BATON_SIP_VOCAB_H\n\n")
        f.write("enum sip_hdr_id {\n    SIP_HDR_OTHER = 0, /**< not in the table */\n")
        for name, _, _ in headers:
            f.write(f"    SIP_HDR_{macro(name)}, /**< {name} */\n")
        f.write("    SIP_HDR_COUNT\n};\n\n")
        f.write("enum sip_method {\n    SIP_METHOD_OTHER = 0, /**< not in the table */\n")
        for name in methods:
            f.write(f"    SIP_METHOD_{macro(name)},\n")
        f.write("    SIP_METHOD_COUNT\n};\n\n#endif\n")


def write_tab(path, hdr, method):
    with open(path, "w", encoding="utf-8") as f:
        f.write(SPDX + "/* Made by gen/gen_sip.py: tables of vocab.c, for sip/names.h. */\n"
                "#ifndef BATON_SIP_VOCAB_TAB_H\n#define BATON_SIP_VOCAB_TAB_H\n\n"
                "#include \"base/str.h\"\n#include \"sip/vocab.h\"\n\n")
        f.write(f"#define SIP_VOCAB_NAME_CAP {NAME_CAP}\n\n")
        for prefix, (mul, bits) in (("HDR", hdr), ("METHOD", method)):
            f.write(f"#define SIP_VOCAB_{prefix}_MUL 0x{mul:016x}U\n"
                    f"#define SIP_VOCAB_{prefix}_BITS {bits}\n\n")
        f.write("/* Octets as little-endian numbers; header names in lower case. */\n"
                "struct sip_vocab_name {\n"
                "    uint64_t tail; /* the last eight, or all when there are fewer */\n"
                "    uint64_t head; /* the first eight, when there are more than eight */\n"
                "    uint64_t mid;  /* the second eight, when there are more than sixteen */\n"
                "    uint8_t len;\n    uint8_t flags;\n    char compact; /* or 0 */\n"
                "};\n\n"
                "/* Hidden: reached without the detour that a shared library needs. */\n"
                "#pragma GCC visibility push(hidden)\n"
                "extern const struct sip_vocab_name sip_vocab_hdr[SIP_HDR_COUNT];\n"
                "extern const struct sip_vocab_name sip_vocab_method[SIP_METHOD_COUNT];\n"
                "extern const struct str sip_vocab_hdr_text[SIP_HDR_COUNT];\n"
                "extern const struct str sip_vocab_method_text[SIP_METHOD_COUNT];\n"
                "extern const unsigned char sip_vocab_hdr_slot[1 << SIP_VOCAB_HDR_BITS];\n"
                "extern const unsigned char sip_vocab_method_slot[1 << SIP_VOCAB_METHOD_BITS];\n"
                "extern const unsigned char sip_vocab_compact[26];\n"
                "#pragma GCC visibility pop\n\n#endif\n")


def write_tables(path, headers, methods, hdr, method):
    with open(path, "w", encoding="utf-8") as f:
        f.write(SPDX + "/* Made by gen/gen_sip.py from gen/sip_headers.txt and "
                "gen/sip_methods.txt. */\n#include \"sip/vocab_tab.h\"\n#include \"sip/msg.h\"\n\n")
        f.write("const struct sip_vocab_name sip_vocab_hdr[SIP_HDR_COUNT] = {\n    {0, 0, 0, 0, 0, 0},\n")
        for name, compact, flags in headers:
            mask = " | ".join(FLAGS[x] for x in flags) or "0"
            char = "0" if compact == "-" else f"'{compact}'"
            f.write(f"    {{{numbers(name.lower())}, {len(name)}, {mask}, {char}}},\n")
        f.write("};\n\nconst struct str sip_vocab_hdr_text[SIP_HDR_COUNT] = {\n    {\"\", 0},\n")
        for name, _, _ in headers:
            f.write(f"    {{\"{name}\", {len(name)}}},\n")
        f.write("};\n\nconst struct sip_vocab_name sip_vocab_method[SIP_METHOD_COUNT] = {\n"
                "    {0, 0, 0, 0, 0, 0},\n")
        for name in methods:
            f.write(f"    {{{numbers(name)}, {len(name)}, 0, 0}},\n")
        f.write("};\n\nconst struct str sip_vocab_method_text[SIP_METHOD_COUNT] = {\n    {\"\", 0},\n")
        for name in methods:
            f.write(f"    {{\"{name}\", {len(name)}}},\n")
        f.write("};\n\n")
        for label, names, (mul, bits) in (
                ("hdr", [h[0].lower() for h in headers], hdr), ("method", methods, method)):
            slots = [0] * (1 << bits)
            for i, name in enumerate(names, 1):
                slots[slot_of(name.encode(), mul, bits)] = i
            f.write(f"const unsigned char sip_vocab_{label}_slot[1 << SIP_VOCAB_{label.upper()}_BITS]"
                    f" = {{\n{c_bytes(slots)}\n}};\n\n")
        compact = [0] * 26
        for i, (_, letter, _) in enumerate(headers, 1):
            if letter != "-":
                compact[ord(letter) - ord("a")] = i
        f.write(f"const unsigned char sip_vocab_compact[26] = {{\n{c_bytes(compact)}\n}};\n")


def write_chars(header, source):
    with open(header, "w", encoding="utf-8") as f:
        f.write(SPDX + "/* Made by gen/gen_sip.py: character classes of RFC 3261 §25.1. */\n"
                "#ifndef BATON_SIP_CHARS_H\n#define BATON_SIP_CHARS_H\n\n"
                "#include <stdbool.h>\n#include <stdint.h>\n\nenum {\n")
        for bit, (name, _, text) in enumerate(CLASSES):
            f.write(f"    SIP_C_{name} = {1 << bit}, /**< {text} */\n")
        f.write("};\n\n#pragma GCC visibility push(hidden)\n"
                "extern const uint16_t sip_chars[256];\n"
                "#pragma GCC visibility pop\n\n"
                "static inline bool sip_char_is(char c, unsigned classes)\n{\n"
                "    return (sip_chars[(unsigned char)c] & classes) != 0;\n}\n\n#endif\n")
    with open(source, "w", encoding="utf-8") as f:
        f.write(SPDX + "/* Made by gen/gen_sip.py. */\n#include \"sip/chars.h\"\n\n"
                "const uint16_t sip_chars[256] = {\n")
        f.write(c_bytes(sum(1 << bit for bit, (_, members, _) in enumerate(CLASSES)
                            if chr(c) in members) for c in range(256)))
        f.write("\n};\n")


def main():
    if len(sys.argv) != 8:
        sys.exit(__doc__)
    headers = read_headers(sys.argv[1])
    methods = read_methods(sys.argv[2])
    hdr = (perfect([h[0].lower().encode() for h in headers], 8), 8)
    method = (perfect([m.encode() for m in methods], 6), 6)
    write_enums(sys.argv[3], headers, methods)
    write_tab(sys.argv[4], hdr, method)
    write_tables(sys.argv[5], headers, methods, hdr, method)
    write_chars(sys.argv[6], sys.argv[7])


main()
